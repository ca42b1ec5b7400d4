"""The line to type into."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Button

from imagineer_tui.widgets.field import Field

THEME = "art nouveau, gold on midnight blue"


class Form(App[None]):
    """A field of twenty cells, and something else that can have the focus."""

    CSS = "Field { width: 20; }"

    def compose(self) -> ComposeResult:
        yield Button("deal")
        yield Field(id="theme")


def line(field: Field) -> str:
    return field.render_line(0).text.rstrip()


async def test_a_text_longer_than_its_field_is_shown_from_its_beginning_until_it_is_typed_on():
    app = Form()
    async with app.run_test() as pilot:
        field = app.query_one(Field)
        field.value = THEME
        await pilot.pause()
        assert line(field) == "art nouveau, gold o…"

        await pilot.press("tab", "end", "!")
        assert line(field).endswith("midnight blue!")

        await pilot.press("shift+tab")
        assert line(field) == "art nouveau, gold o…"


async def test_wide_characters_are_not_cut_in_two():
    app = Form()
    async with app.run_test() as pilot:
        field = app.query_one(Field)
        field.value = "金" * 20
        await pilot.pause()
        assert line(field) == "金" * 9 + " …"
