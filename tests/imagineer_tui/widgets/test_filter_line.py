"""The line below a list that filters it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.widgets import Static

from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.filter_line import ListFilter, filter_of
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows

FRUIT = ("apple", "banana", "cherry")


class Listing(App[None]):
    """A list, and something that is below it and below its filter."""

    def compose(self) -> ComposeResult:
        with Vertical(id="panel"):
            yield Rows(Column(), id="fruit")
            yield Static("below")


@asynccontextmanager
async def listing() -> AsyncIterator[tuple[Rows, Pilot[None]]]:
    app = Listing()
    async with app.run_test(size=(40, 12)) as pilot:
        rows = app.query_one(Rows)
        rows.fill([Row(name, (name,)) for name in FRUIT])
        rows.focus()
        await pilot.pause()
        yield rows, pilot


async def test_a_line_is_made_when_it_is_first_asked_for_and_only_once():
    async with listing() as (rows, pilot):
        panel = pilot.app.query_one("#panel")
        assert not panel.query(ListFilter)

        line = filter_of(rows)

        assert filter_of(rows) is line
        assert list(panel.children)[:2] == [rows, line]


async def test_what_is_typed_filters_the_list_and_enter_goes_back_to_it():
    async with listing() as (rows, pilot):
        filter_of(rows).open()
        await pilot.pause()
        await pilot.press(*"an")
        assert rows.keys == ["banana"]

        await pilot.press("enter")

        assert rows.has_focus
        assert rows.keys == ["banana"]


async def test_escape_shows_all_again_also_from_the_list():
    async with listing() as (rows, pilot):
        line = filter_of(rows)
        line.open()
        await pilot.pause()
        await pilot.press(*"an", "enter", "escape")

        assert rows.keys == list(FRUIT)
        assert not line.display


async def test_opened_with_words_it_filters_and_leaves_the_focus_where_it_is():
    async with listing() as (rows, pilot):
        filter_of(rows).open("cher")
        await pilot.pause()

        assert rows.keys == ["cherry"]
        assert rows.has_focus
        assert filter_of(rows).display
