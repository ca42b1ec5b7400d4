"""The one large picture."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cards import GREEN, Cards
from house import ROOT, wait_until
from pseudo_terminal import FOOT, KITTY, PseudoTerminal, small_app
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.picture import Picture

ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
UPLOAD = re.compile(rb"\x1b_Ga=T,U=1,f=100,i=(\d+),")
FREED = re.compile(rb"\x1b_Ga=d,d=I,i=(\d+),")
PLACEHOLDER = "\U0010eeee".encode()


class Wall(App[None]):
    """A picture and nothing else."""

    def __init__(self, cards: Cards, shown: Shown = "half", sixel_size: tuple[int, int] | None = None) -> None:
        super().__init__()
        terminal = Terminal(tty=True, colors="truecolor", sixel_size=sixel_size)
        self.picture = Picture(cards.load, shown, terminal)

    def compose(self) -> ComposeResult:
        yield self.picture


def text(wall: Wall) -> str:
    return "\n".join(wall.picture.render_line(y).text for y in range(wall.picture.size.height))


def colored(wall: Wall) -> bool:
    middle = wall.picture.render_line(wall.picture.size.height // 2)
    colors = [segment.style.bgcolor for segment in middle if segment.style]
    return any(color and color.triplet and color.triplet.green == GREEN for color in colors)


async def until_shown(wall: Wall, pilot: Pilot[None]) -> None:
    while not colored(wall):
        await pilot.pause(0.01)


async def test_it_fills_its_room_and_keeps_its_shape() -> None:
    wall = Wall(Cards())
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1")
        await until_shown(wall, pilot)
        left, picture, right = wall.picture.render_line(0)
        assert (left.cell_length, picture.cell_length, right.cell_length) == (16, 27, 17)


async def test_a_new_size_is_drawn_anew_though_nobody_gives_the_file_any_more() -> None:
    cards = Cards()
    wall = Wall(cards)
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1")
        await until_shown(wall, pilot)
        cards.missing = ("1",)
        await pilot.resize_terminal(60, 10)
        while [part.cell_length for part in wall.picture.render_line(0)] != [23, 13, 24]:
            await pilot.pause(0.01)
        assert colored(wall)
        assert cards.asked == ["1"]


async def test_the_last_picture_stays_until_the_next_is_ready() -> None:
    cards = Cards()
    wall = Wall(cards)
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1")
        await until_shown(wall, pilot)
        before = wall.picture.render_line(5)
        cards.open.clear()
        wall.picture.show("2")
        await pilot.pause()
        assert wall.picture.render_line(5) == before
        cards.open.set()
        while wall.picture.render_line(5) == before:
            await pilot.pause(0.01)


async def test_only_the_last_of_many_moves_is_shown() -> None:
    cards = Cards("2")
    wall = Wall(cards)
    async with wall.run_test(size=(60, 20)) as pilot:
        for key in ("2", "3", "1"):
            wall.picture.show(key)
        await until_shown(wall, pilot)
        await pilot.pause(0.1)
        assert "✗" not in text(wall)


async def test_what_is_wrong_with_a_picture_is_said_in_its_place() -> None:
    wall = Wall(Cards("1"))
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1")
        while "✗ The picture of take 1 is gone." not in text(wall):
            await pilot.pause(0.01)


async def test_what_is_wrong_has_nothing_in_it_that_a_terminal_would_obey() -> None:
    wall = Wall(Cards("1\x1b[2J"))
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1\x1b[2J")
        while "✗ The picture of take 1[2J is gone." not in text(wall):
            await pilot.pause(0.01)


async def test_blurring_and_no_picture_are_shown_at_once_when_known() -> None:
    wall = Wall(Cards())
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1", blurred=True)
        await until_shown(wall, pilot)
        wall.picture.show("")
        assert not colored(wall)
        wall.picture.show("1", blurred=True)
        assert colored(wall)


async def test_the_way_can_be_changed_while_it_is_shown() -> None:
    wall = Wall(Cards())
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1")
        await until_shown(wall, pilot)
        wall.picture.show_as("ascii")
        while colored(wall):
            await pilot.pause(0.01)
        wall.picture.show_as("off")
        assert not text(wall).strip()


@pytest.mark.parametrize(
    ("most", "place"), [(None, (15, 0, 29, 22)), ((1000, 330), (19, 3, 21, 16)), ((155, 1000), (22, 5, 15, 11))]
)
async def test_sixels_are_no_larger_than_the_terminal_takes(
    most: tuple[int, int] | None, place: tuple[int, int, int, int]
) -> None:
    wall = Wall(Cards(), "sixel", most)
    async with wall.run_test(size=(60, 22)) as pilot:
        wall.picture.show("1")
        while not (over := wall.picture.over_text()):
            await pilot.pause(0.01)
        assert over[0] == place


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def test_kitty_is_sent_a_picture_once_and_frees_it_in_the_end(report: Path) -> None:
    with PseudoTerminal(small_app("large", report), ENVIRON, KITTY) as terminal:
        terminal.wait_for(PLACEHOLDER)
        terminal.bytes_until_quiet()
        terminal.type(b"n")
        wait_until(lambda: len(UPLOAD.findall(bytes(terminal.output))) == 2)
        terminal.type(b"p")  # the first one again
        terminal.bytes_until_quiet()
        terminal.type(b"f")  # something that repaints it
        terminal.bytes_until_quiet()
        terminal.type(b"\x11")
        assert terminal.ended() == 0
    uploaded = UPLOAD.findall(bytes(terminal.output))
    assert len(uploaded) == 2
    assert sorted(FREED.findall(bytes(terminal.output))) == sorted(uploaded)


def test_a_terminal_with_sixels_gets_them_with_the_cursor_at_their_corner(report: Path) -> None:
    with PseudoTerminal(small_app("large", report), ENVIRON, FOOT) as terminal:
        wait_until(lambda: re.search(rb"\x1b\[1;25H\x1bP0;0;0q", terminal.output))
        terminal.bytes_until_quiet()
        terminal.type(b"\x11")
        assert terminal.ended() == 0
    assert PLACEHOLDER not in terminal.output
