"""What is pasted into fields."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.events import Paste

from imagineer_tui.widgets.field import Field
from imagineer_tui.widgets.pasting import unbroken
from imagineer_tui.widgets.text_field import TextField


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gold on black", "gold on black"),
        (" in a forest", " in a forest"),
        ("gold\n", "gold"),
        ("\n\ngold on\r\n\r\n  black,\tfine lines\n", "gold on black, fine lines"),
        ("\n", ""),
        ("", ""),
    ],
)
def test_lines_are_joined_by_spaces_and_one_line_stays_as_it_is(text: str, line: str) -> None:
    assert unbroken(text) == line


class Typing(App[None]):
    def compose(self) -> ComposeResult:
        yield Field()
        yield TextField()


async def test_no_field_loses_a_line_or_keeps_it_apart() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        field, paragraph = app.query_one(Field), app.query_one(TextField)
        for widget in (field, paragraph):
            widget.focus()
            await pilot.pause()
            app.post_message(Paste("a fox\r\nin the snow\n"))
            await pilot.pause()
        assert (field.value, paragraph.text) == ("a fox in the snow", "a fox in the snow")
