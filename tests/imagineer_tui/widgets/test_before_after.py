"""Two auditions side by side."""

from __future__ import annotations

import io

from PIL import Image
from piloting import until
from textual.app import App, ComposeResult

from imagineer_tui.terminal.detection import UNASKED
from imagineer_tui.terminal.images import Choice
from imagineer_tui.widgets.before_after import BeforeAfter


class Looking(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def compose(self) -> ComposeResult:
        yield BeforeAfter(self._load, Choice("half", "half", ""), UNASKED)

    async def _load(self, key: str) -> bytes:
        self.asked.append(key)
        file = io.BytesIO()
        Image.new("RGB", (4, 6), "red").save(file, "PNG")
        return file.getvalue()


async def test_both_are_fetched_and_an_empty_one_is_not():
    app = Looking()
    async with app.run_test(size=(40, 12)) as pilot:
        app.query_one(BeforeAfter).show("", "2")
        await until(pilot, lambda: set(app.asked) == {"2"})
        assert not app.query_one("#before").display

        app.query_one(BeforeAfter).show("1", "2")

        await until(pilot, lambda: set(app.asked) == {"1", "2"})
        assert app.query_one("#before").display
