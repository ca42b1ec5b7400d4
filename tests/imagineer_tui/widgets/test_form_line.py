"""A field of a form."""

from __future__ import annotations

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Static

from imagineer_tui.widgets.form_line import FormLine


class Form(App[None]):
    def __init__(self, *, wraps: bool = False) -> None:
        super().__init__()
        self.line = FormLine("steps", "Steps", wraps=wraps)
        self.heard: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.line

    @on(FormLine.Changed)
    def _changed(self) -> None:
        self.heard.append(self.line.value)

    @on(FormLine.Submitted)
    def _submitted(self) -> None:
        self.heard.append("enter")

    @on(FormLine.Stepped)
    def _stepped(self, event: FormLine.Stepped) -> None:
        self.heard.append(f"{event.by:+}")


@pytest.mark.parametrize("wraps", [False, True])
async def test_it_tells_what_is_typed_and_when_it_is_done(wraps: bool):  # noqa: FBT001 - pytest gives it by name
    app = Form(wraps=wraps)
    async with app.run_test() as pilot:
        app.line.enter()
        await pilot.press("1", "2", "enter")

        assert app.heard == ["1", "12", "enter"]


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("text", ["", "12"])
@pytest.mark.parametrize("theme", ["ansi-dark", "textual-dark"])
async def test_without_a_colour_of_its_own_a_line_tells_how_far_it_reaches(
    monkeypatch: pytest.MonkeyPatch,
    wraps: bool,  # noqa: FBT001 - pytest gives it by name
    text: str,
    theme: str,
):
    if theme == "textual-dark":
        monkeypatch.setenv("NO_COLOR", "1")
    app = Form(wraps=wraps)
    async with app.run_test() as pilot:
        app.theme = theme
        app.line.value = text
        app.line.hint("", "new")
        await pilot.pause()

        field = app.line.query_one("Field, TextField")
        row = app.screen._compositor.render_strips()[field.content_region.y]
        shown = row.crop(field.content_region.x, field.content_region.right)
        assert all(segment.style and segment.style.underline for segment in shown if segment.text)


async def test_arrows_are_told():
    app = Form()
    async with app.run_test() as pilot:
        app.line.enter()
        await pilot.press("up", "down")

        assert app.heard == ["+1", "-1"]


async def test_what_is_wrong_takes_a_line_only_while_it_is():
    app = Form()
    async with app.run_test() as pilot:
        app.line.complain("151 is not within 1 to 150.")
        await pilot.pause()
        assert app.line.size.height == 2
        assert "! 151 is not within" in str(app.line.query_one(".fault", Static).render())

        app.line.complain("")
        await pilot.pause()

        assert app.line.size.height == 1
