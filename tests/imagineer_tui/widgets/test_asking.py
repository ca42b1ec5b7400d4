"""A small form over a screen."""

from __future__ import annotations

from textual.app import App
from textual.containers import VerticalScroll

from imagineer_tui.widgets.asking import Asking, Draft


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.given: list[Draft | None] = []

    def on_mount(self) -> None:
        form = Asking(
            "Save", "A note.", (("name", "Name", "a"),), lambda draft: {} if draft["name"] else {"name": "No."}
        )
        self.push_screen(form, self.given.append)


async def test_enter_gives_what_is_typed_in_place_of_what_stood_there():
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("b", "c", "enter")

        assert app.given == [{"name": "bc"}]


async def test_what_is_wrong_keeps_it_open():
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("backspace", "enter")
        assert app.given == []

        await pilot.press("escape")

        assert app.given == [None]


async def test_a_name_in_its_title_is_no_markup():
    app = Host()
    async with app.run_test() as pilot:
        await app.push_screen(Asking("folder[/x]", "A note.", (("weight", "Weight", "1"),), lambda _: {}))
        await pilot.pause()

        assert app.screen.query_one(VerticalScroll)._border_title.plain == "folder[/x]"
