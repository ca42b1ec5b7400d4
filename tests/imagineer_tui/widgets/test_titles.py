"""The words in a panel's border."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Vertical

from imagineer_tui.widgets.titles import entitle


class Panelled(App[None]):
    """A panel."""

    def compose(self) -> ComposeResult:
        yield Vertical()


async def test_a_title_is_no_markup():
    async with Panelled().run_test() as pilot:
        panel = pilot.app.query_one(Vertical)

        entitle(panel, "Tarot “[red]neon[/]”", "2 takes")

        assert panel._border_title.plain == "Tarot “[red]neon[/]”"
        assert panel._border_subtitle.plain == "2 takes"


async def test_a_title_stays_in_its_border():
    async with Panelled().run_test() as pilot:
        panel = pilot.app.query_one(Vertical)

        entitle(panel, "a raven\nking")

        assert panel._border_title.plain == "a raven king"


async def test_what_stays_the_same_is_not_painted_anew(monkeypatch):
    async with Panelled().run_test() as pilot:
        panel = pilot.app.query_one(Vertical)
        entitle(panel, "[Queue]", "1 card")
        painted = []
        monkeypatch.setattr(panel, "refresh", lambda *_: painted.append(1))

        entitle(panel, "[Queue]", "1 card")
        assert not painted

        entitle(panel, "[Queue]", "2 cards")
        assert len(painted) == 1
