"""A text that wraps, and ends with enter."""

from __future__ import annotations

from textual import on
from textual.app import App, ComposeResult

from imagineer_tui.widgets.text_field import TextField


class Typing(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[str] = []

    def compose(self) -> ComposeResult:
        yield TextField()
        yield TextField(id="next")

    @on(TextField.Submitted)
    def _submitted(self) -> None:
        self.submitted.append(self.query(TextField).first().text)


async def test_enter_ends_it_and_is_no_part_of_the_text():
    app = Typing()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press(*"fox", "enter")

        assert app.submitted == ["fox"]


async def test_a_long_text_wraps_and_makes_room():
    app = Typing()
    async with app.run_test(size=(20, 10)) as pilot:
        field = app.query(TextField).first()
        assert field.size.height == 1

        field.load_text("a red fox in the snow, reading")
        await pilot.pause()

        assert field.size.height == 2


async def test_tab_goes_on():
    app = Typing()
    async with app.run_test(size=(20, 10)) as pilot:
        await pilot.press("tab")

        assert app.focused is app.query_one("#next")
