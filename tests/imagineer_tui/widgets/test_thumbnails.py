"""A page of cards under the cursor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cards import GREEN, Cards
from house import ROOT, wait_until
from pseudo_terminal import PseudoTerminal, small_app
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.pilot import Pilot

from imagineer_tui.widgets.drawings import Drawings
from imagineer_tui.widgets.page_layout import layout
from imagineer_tui.widgets.strips import UPPER
from imagineer_tui.widgets.thumbnail import FAILED, FAVOURITE, MISSING, PICK, Thumb, Thumbnail
from imagineer_tui.widgets.thumbnails import Thumbnails

ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
DECK = [Thumb(str(index), f"Card {index}") for index in range(30)]


class Table(App[None]):
    """Thumbnails and nothing else; notes what they tell."""

    def __init__(self, cards: Cards) -> None:
        super().__init__()
        self.page = Thumbnails(Drawings(cards.load))
        self.told: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield self.page

    def on_thumbnails_highlighted(self, message: Thumbnails.Highlighted) -> None:
        self.told.append((type(message).__name__, message.thumb.name))

    def on_thumbnails_opened(self, message: Thumbnails.Opened) -> None:
        self.told.append((type(message).__name__, message.thumb.name))


@asynccontextmanager
async def dealt(
    cards: Cards | None = None, deck: list[Thumb] = DECK, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Table, Pilot[None]]]:
    """Deal a deck on a table: 80x24 has room for 5 by 2 cards."""
    table = Table(cards or Cards())
    async with table.run_test(size=size) as pilot:
        table.page.focus()
        table.page.show(deck)
        await pilot.pause()
        yield table, pilot


def captions(table: Table) -> list[str]:
    return [cell.render_line(cell.size.height - 1).text.strip() for cell in table.query(Thumbnail)]


def marked(table: Table) -> list[str]:
    """Return the cards in whose place stands the mark of what is not there."""
    cells = [cell for cell in table.query(Thumbnail) if MISSING in cell.render_line((cell.size.height - 1) // 2).text]
    return [cell.render_line(cell.size.height - 1).text.strip() for cell in cells]


def pictures(table: Table) -> int:
    """How many cells show a picture."""
    return sum(map(_colored, table.query(Thumbnail)))


def _colored(cell: Thumbnail) -> bool:
    colors = [segment.style.bgcolor for segment in cell.render_line(4) if segment.style]
    return any(color and color.triplet and color.triplet.green == GREEN for color in colors)


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the app work until the condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause()


async def test_a_page_has_as_many_cards_as_there_is_room_for() -> None:
    async with dealt() as (table, pilot):
        assert captions(table) == [f"Card {index}" for index in range(10)]
        await pilot.resize_terminal(40, 24)
        await until(pilot, lambda: len(captions(table)) == 12)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: len(captions(table)) == 8)


@pytest.mark.parametrize(
    ("size", "laid_out"),
    [
        ((46, 20), ((10, 8), 4, 2)),
        ((56, 7), ((8, 6), 5, 1)),
        ((44, 32), ((12, 9), 3, 3)),
        ((84, 46), ((18, 13), 4, 3)),
        ((130, 56), ((24, 18), 5, 2)),
        ((220, 12), ((12, 9), 15, 1)),
        ((5, 2), ((8, 6), 1, 1)),
    ],
)
def test_pictures_are_as_large_as_leaves_enough_of_them(size: tuple[int, int], laid_out: object) -> None:
    assert layout(Size(*size)) == laid_out


async def test_a_caption_has_nothing_in_it_that_a_terminal_would_obey() -> None:
    async with dealt(deck=[Thumb("1", "a\x1b[31m\nking", PICK)]) as (table, _):
        assert captions(table)[0] == "★ a[31m king"


async def test_a_terminal_with_hardly_any_room_shows_one_card() -> None:
    async with dealt(size=(8, 5)) as (table, _):
        assert len(captions(table)) == 1


async def test_pictures_come_when_they_are_drawn() -> None:
    cards = Cards()
    cards.open.clear()
    async with dealt(cards) as (table, pilot):
        assert pictures(table) == 0
        cards.open.set()
        await until(pilot, lambda: pictures(table) == 10)
        assert sorted(cards.asked, key=int) == [str(index) for index in range(10)]


async def test_a_picture_that_is_missing_or_fails_leaves_its_name_and_a_mark() -> None:
    deck = [Thumb("", "Not drawn yet"), Thumb("1", "Gone"), Thumb("2", "There")]
    async with dealt(Cards("1"), deck) as (table, pilot):
        await until(pilot, lambda: pictures(table) == 1)
        first, second, _ = list(table.query(Thumbnail))[:3]
        assert MISSING in first.render_line(4).text
        assert FAILED in second.render_line(4).text
        assert captions(table)[:3] == ["Not drawn y…", "Gone", "There"]


async def test_marks_stand_before_the_name() -> None:
    async with dealt(deck=[Thumb("1", "The Fool", PICK + FAVOURITE), Thumb("2", "Lovers", blurred=True)]) as (table, _):
        assert captions(table)[:3] == ["★♥ The Fool", "▒ Lovers", ""]


async def test_how_many_more_there_are_stands_behind_a_name_that_is_cut_too() -> None:
    deck = [Thumb("1", "The High Priestess", PICK, more="+2"), Thumb("2", "Leo", more="+1")]
    async with dealt(deck=deck) as (table, _):
        assert captions(table)[:2] == ["★ The Hi… +2", "Leo +1"]


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        ("l", 1), ("right,right,left", 1), ("j", 5), ("j,k", 0), ("k", 0), ("h", 0), ("G", 29), ("G,l", 29),
        ("G,j", 29), ("G,g", 0), ("pagedown", 10), ("l,ctrl+d,ctrl+d,ctrl+u", 11), ("j,j", 10), ("end", 29),
    ],
)  # fmt: skip
async def test_keys_move_the_cursor(keys: str, index: int) -> None:
    async with dealt() as (table, pilot):
        await pilot.press(*keys.split(","))
        assert table.page.cursor == index


async def test_beyond_the_edge_lies_the_next_page() -> None:
    async with dealt() as (table, pilot):
        await pilot.press(*["l"] * 10)
        assert captions(table) == [f"Card {index}" for index in range(10, 20)]


async def test_the_cells_of_the_last_page_that_are_over_are_empty() -> None:
    async with dealt(deck=DECK[:13]) as (table, pilot):
        await pilot.press("pagedown")
        assert captions(table) == ["Card 10", "Card 11", "Card 12", *[""] * 7]


async def test_cells_are_used_again() -> None:
    async with dealt() as (table, pilot):
        before = list(table.query(Thumbnail))
        await pilot.press("pagedown", "pagedown")
        assert list(table.query(Thumbnail)) == before


async def test_a_page_that_was_left_is_not_drawn() -> None:
    cards = Cards()
    cards.open.clear()
    async with dealt(cards) as (table, pilot):
        await pilot.press("pagedown")
        cards.open.set()
        await until(pilot, lambda: pictures(table) == 10)
        assert {wanted.key for wanted in table.page.drawings._kept} == {str(index) for index in range(10, 20)}


async def test_a_page_that_was_seen_is_there_at_once() -> None:
    cards = Cards()
    async with dealt(cards) as (table, pilot):
        await until(pilot, lambda: pictures(table) == 10)
        await pilot.press("pagedown")
        await until(pilot, lambda: pictures(table) == 10)
        await pilot.press("pageup")
        assert pictures(table) == 10
        assert len(cards.asked) == 20


async def test_it_tells_where_the_cursor_is_and_what_is_opened() -> None:
    async with dealt() as (table, pilot):
        await pilot.press("l", "enter")
        assert table.told == [("Highlighted", "Card 0"), ("Highlighted", "Card 1"), ("Opened", "Card 1")]


async def test_a_click_goes_to_a_card_and_the_next_opens_it() -> None:
    async with dealt() as (table, pilot):
        third = list(table.query(Thumbnail))[2]
        await pilot.click(third)
        assert table.page.cursor == 2
        await pilot.click(third)
        assert table.told[-1] == ("Opened", "Card 2")


async def test_the_wheel_turns_a_page_however_many_notches_it_runs_on() -> None:
    async with dealt() as (table, _):
        table.page.cursor = 3
        for at, by, cursor in ((1.0, 1, 13), (1.1, 1, 13), (1.2, 1, 13), (1.3, 1, 23), (2.0, 1, 23), (3.0, -1, 13)):
            roll(table.page, at, by)
            assert table.page.cursor == cursor


def roll(page: Thumbnails, at: float, by: int) -> None:
    """Turn the wheel by a notch at a time in seconds, down or up."""
    kind = MouseScrollDown if by > 0 else MouseScrollUp
    event = kind(page, 1, 1, 0, by, 0, shift=False, meta=False, ctrl=False)
    event.time = at
    (page.on_mouse_scroll_down if by > 0 else page.on_mouse_scroll_up)(event)


async def test_the_wheel_counts_wherever_the_mouse_is_on_the_page() -> None:
    async with dealt() as (table, pilot):
        await pilot._post_mouse_events([MouseScrollDown], list(table.query(Thumbnail))[4])
        assert table.page.page == (2, 3)


async def test_what_stays_the_same_is_not_drawn_again() -> None:
    cards = Cards()
    async with dealt(cards) as (table, pilot):
        await until(pilot, lambda: pictures(table) == 10)
        table.page.show([Thumb("0", "Card 0", PICK), *DECK[1:]])
        assert pictures(table) == 10
        assert captions(table)[0] == "★ Card 0"
        assert len(cards.asked) == 10


async def test_pictures_can_be_letters_or_off() -> None:
    async with dealt() as (table, pilot):
        table.page.show_as("ascii")
        await until(pilot, lambda: all(not _colored(cell) for cell in table.query(Thumbnail)))
        assert not any(UPPER in cell.render_line(4).text for cell in table.query(Thumbnail))
        table.page.show_as("off")
        assert pictures(table) == 0


async def test_without_pictures_only_a_card_that_has_none_is_marked() -> None:
    async with dealt(deck=[Thumb("", "Ace", MISSING), *DECK[1:3]]) as (table, pilot):
        table.page.show_as("off")
        await pilot.pause()
        assert marked(table) == ["◌ Ace"]

        table.page.show([Thumb("0", "Ace"), Thumb("", "Card 1", MISSING), DECK[2]])
        await pilot.pause()
        assert marked(table) == ["◌ Card 1"]


async def test_without_cards_nothing_happens() -> None:
    async with dealt(deck=[]) as (table, pilot):
        await pilot.press("l", "j", "G", "enter", "pagedown")
        assert table.told == []


def test_a_move_of_the_cursor_costs_three_hundred_bytes(tmp_path: Path) -> None:
    with PseudoTerminal(small_app("grid", tmp_path / "report.json"), ENVIRON, size=(120, 40)) as terminal:
        wait_until(lambda: len(terminal.output) > 60_000)  # pictures, not their names alone
        terminal.bytes_until_quiet(1.5)
        for key in (b"l", b"j", b"h", b"k"):
            assert terminal.bytes_after(key) <= 300
