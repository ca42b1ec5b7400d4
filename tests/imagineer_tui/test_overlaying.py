"""Pictures over the text, as the terminal is sent them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cards import Cards
from textual.app import ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from imagineer_tui.overlaying import Overlaying
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.widgets.picture import Picture

SIXELS = re.compile(r'\x1b7\x1b\[(\d+);(\d+)H\x1bP0;0;0q"1;1;(\d+);(\d+)[^\x1b]*\x1b\\\x1b8')


class Wall(Overlaying[None]):
    """A picture, a line below it, and something that covers some of it where it is shown."""

    CSS = """
    Screen { layers: below under above; }
    #under { layer: under; width: 10; height: 3; offset: 15 2; visibility: hidden; }
    Picture { layer: above; position: absolute; height: 10; }
    #cover { layer: above; position: absolute; width: 8; height: 2; offset: 26 4; display: none; }
    #line { margin-top: 12; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.picture = Picture(Cards().load, "sixel", Terminal(tty=True, colors="truecolor"))

    def compose(self) -> ComposeResult:
        yield Static("a line", id="line")
        yield Static(id="under")
        yield self.picture
        yield Static("covers", id="cover")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Row and column, width and height in pixels of each picture that the terminal is sent."""
    pictures: list[tuple[int, ...]] = []

    def note(_: HeadlessDriver, data: str) -> None:
        pictures.extend(tuple(map(int, found)) for found in SIXELS.findall(data))

    monkeypatch.setattr(HeadlessDriver, "write", note)
    return pictures


AT = (1, 24, 130, 200)


@asynccontextmanager
async def wall_of(sent: list[tuple[int, ...]]) -> AsyncIterator[tuple[Wall, Pilot[None]]]:
    """Open a wall, and wait until the picture was sent; it does not count from then on."""
    wall = Wall()
    async with wall.run_test(size=(60, 20)) as pilot:
        wall.picture.show("1")
        while not sent:
            await pilot.pause(0.01)
        await pilot.pause()
        assert set(sent) == {AT}
        sent.clear()
        yield wall, pilot


async def cover_of(wall: Wall, pilot: Pilot[None], sent: list[tuple[int, ...]]) -> Widget:
    """Cover some of the picture; what was sent until then does not count."""
    cover = wall.query_one("#cover")
    cover.display = True
    await pilot.pause()
    sent.clear()
    return cover


async def test_it_is_sent_once_for_a_paint_and_not_for_what_changes_beside_it(
    sent: list[tuple[int, ...]],
) -> None:
    async with wall_of(sent) as (wall, pilot):
        wall.picture.refresh()
        await pilot.pause()
        wall.query_one("#line", Static).update("another line")
        await pilot.pause()
        assert sent == [AT]


async def test_it_is_sent_again_after_what_wipes_it_even_where_a_widget_below_it_cuts_its_lines(
    sent: list[tuple[int, ...]],
) -> None:
    async with wall_of(sent) as (wall, pilot):
        wall.query_one("#under").styles.visibility = "visible"
        await pilot.pause()
        sent.clear()
        wall.picture.refresh()
        await pilot.pause()
        assert sent == [AT]


async def test_what_covers_some_of_it_is_not_painted_over(sent: list[tuple[int, ...]]) -> None:
    async with wall_of(sent) as (wall, pilot):
        cover = await cover_of(wall, pilot, sent)
        cover.refresh()
        await pilot.pause()
        assert not sent
        wall.picture.refresh()
        await pilot.pause()
        assert sent == [AT]


async def test_it_is_whole_again_when_what_covered_it_is_gone(sent: list[tuple[int, ...]]) -> None:
    async with wall_of(sent) as (wall, pilot):
        cover = await cover_of(wall, pilot, sent)
        cover.display = False
        await pilot.pause()
        assert sent == [AT]


async def test_a_dialog_hides_it_and_gives_it_back(sent: list[tuple[int, ...]]) -> None:
    async with wall_of(sent) as (wall, pilot):
        await wall.push_screen(ModalScreen())
        await pilot.pause()
        wall.picture.refresh()
        await pilot.pause()
        assert not sent
        wall.pop_screen()
        await pilot.pause()
        assert AT in sent


async def test_one_that_was_made_for_more_room_is_not_sent_into_less(sent: list[tuple[int, ...]]) -> None:
    async with wall_of(sent) as (wall, pilot):
        wall.picture.styles.height = 4
        while not sent:
            await pilot.pause(0.01)
        assert set(sent) == {(1, 28, 50, 80)}
