"""The list that all screens use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.content import Content

from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows

FRUIT = ("apple", "banana", "cherry", "damson", "elder")


class Listing(App[None]):
    """One list of fruit under a heading."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield Rows(Column("name"), Column("count", 5, right=True), empty="Press a to add fruit.")

    def on_rows_highlighted(self, event: Rows.Highlighted) -> None:
        self.told.append(event.key)


@asynccontextmanager
async def listing(*names: str, size: tuple[int, int] = (30, 10)) -> AsyncIterator[tuple[Listing, Rows, object]]:
    app = Listing()
    async with app.run_test(size=size) as pilot:
        rows = app.query_one(Rows)
        rows.fill([Row("", ("fruit",), heading=True), *(Row(name, (name, str(len(name)))) for name in names)])
        rows.focus()
        await pilot.pause()
        yield app, rows, pilot


def lines(rows: Rows) -> list[str]:
    return [rows.render_line(y).text.rstrip() for y in range(rows.size.height)]


async def test_columns_are_lined_up_and_the_cursor_is_marked_not_by_colour_alone():
    async with listing("apple", "fig") as (_, rows, _pilot):
        assert lines(rows)[:4] == [
            "  name                  count",
            "  fruit",
            "▸ apple                     5",
            "  fig                       3",
        ]


async def test_without_backgrounds_the_cursor_of_the_list_with_the_focus_is_reversed():
    async with listing("apple", "fig") as (app, rows, pilot):
        app.theme = "ansi-dark"
        await pilot.pause()
        assert [any(segment.style.reverse for segment in rows.render_line(y)) for y in (2, 3)] == [True, False]

        app.set_focus(None)
        await pilot.pause()
        assert not any(segment.style.reverse for segment in rows.render_line(2))


async def test_what_is_cut_off_ends_in_dots_beside_the_scrollbar():
    async with listing(*FRUIT, size=(30, 4)) as (_, rows, pilot):
        rows._columns = (Column("name"),)
        rows.fill(Row(name, (name * 9,)) for name in FRUIT)
        await pilot.pause()
        assert rows.show_vertical_scrollbar
        assert {len(line) for line in lines(rows)[1:]} == {29}
        assert lines(rows)[1].endswith("…")


async def test_the_keys_of_vim_move_over_headings():
    async with listing(*FRUIT) as (app, rows, pilot):
        assert rows.key == "apple"
        await pilot.press("k", "j", "j", "k", "G", "g", "ctrl+d")
        await pilot.pause()

        assert app.told == ["apple", "banana", "cherry", "banana", "elder", "apple", "elder"]


async def test_the_cursor_stays_on_its_row_when_others_come_and_go():
    async with listing(*FRUIT) as (_, rows, pilot):
        await pilot.press("j", "j")

        rows.fill([Row(name, (name, "")) for name in ("cherry", "apple", "zucchini")])
        assert rows.key == "cherry"


async def test_the_cursor_stays_at_its_line_when_its_row_goes():
    async with listing(*FRUIT) as (_, rows, pilot):
        await pilot.press("j")

        rows.fill(
            [Row("", ("fruit",), heading=True), *(Row(name, (name, "")) for name in ("apple", "cherry", "elder"))]
        )
        assert rows.key == "cherry"

        rows.fill([Row("apple", ("apple", ""))])
        assert rows.key == "apple"


async def test_the_cursor_goes_to_a_row_of_its_kind_when_its_own_goes():
    async with listing("batch:b1", "job:1", "job:2", "batch:b2", "job:7") as (_, rows, pilot):
        await pilot.press("j", "j")
        assert rows.key == "job:2"

        rows.fill([Row(name, (name, "")) for name in ("batch:b1", "batch:b2", "job:7")])

        assert rows.key == "job:7"


async def test_a_filter_begins_with_the_first_of_what_is_left():
    async with listing("red apple", "red fig", "green apple", "green fig", size=(50, 10)) as (_, rows, pilot):
        await pilot.press("G")

        rows.filter("apple")

        assert rows.key == "red apple"


async def test_the_cursor_is_kept_in_sight_and_the_header_too():
    async with listing(*(f"fruit {number:03}" for number in range(100)), size=(30, 6)) as (_, rows, pilot):
        await pilot.press("G")
        await pilot.pause()

        assert lines(rows)[0].startswith("  name")
        assert lines(rows)[-1].startswith("▸ fruit 099")


async def test_a_filter_lets_rows_through_that_have_all_words():
    async with listing("red apple", "red fig", "green apple", size=(50, 10)) as (_, rows, _pilot):
        rows.filter("red app")
        assert rows.keys == ["red apple"]

        rows.filter("blue")
        assert "Nothing matches; escape shows all." in lines(rows)[1]

        rows.filter("")
        assert len(rows.keys) == 3


async def test_an_empty_list_says_what_to_press():
    async with listing() as (_, rows, _pilot):
        rows.fill(())

        assert rows.key == ""
        assert "Press a to add fruit." in lines(rows)[1]


async def test_a_click_moves_the_cursor():
    async with listing(*FRUIT) as (_, rows, pilot):
        await pilot.click(Rows, offset=(3, 4))

        assert rows.key == "cherry"


async def test_a_move_draws_two_lines_only():
    async with listing(*FRUIT) as (_, rows, pilot):
        drawn: list[int] = []
        render = rows.render_line
        rows.render_line = lambda y: drawn.append(y) or render(y)  # type: ignore[method-assign]

        await pilot.press("j")
        await pilot.pause()

        assert sorted(set(drawn)) == [2, 3]


async def test_what_is_too_long_is_cut_with_an_ellipsis_and_brackets_mean_nothing():
    async with listing() as (_, rows, _pilot):
        rows.fill([Row("1", ("[red]a name that is much too long to fit", Content("9")))])

        assert lines(rows)[1] == "▸ [red]a name that is m…    9"


async def test_lines_out_of_sight_are_not_drawn_until_they_are_seen(monkeypatch):
    names = [f"card {number}" for number in range(600)]
    async with listing(*names) as (_, rows, pilot):
        drawn = []
        line = rows._line
        monkeypatch.setattr(rows, "_line", lambda row, **named: drawn.append(row.key) or line(row, **named))

        rows.fill([Row("", ("fruit",), heading=True), *(Row(name, (name, "new")) for name in names)])
        await pilot.pause()
        assert len(drawn) <= 3 * rows.size.height

        await pilot.press("G")
        assert "card 599" in lines(rows)[-1]
        assert lines(rows)[-1].endswith("new")
