"""The words in a panel's border."""

from __future__ import annotations

from piloting import text_of
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Region

from imagineer_tui.widgets.titles import entitle


class Panelled(App[None]):
    """A panel."""

    CSS = "Vertical { border: round white; padding: 1 2; }"

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


async def test_only_the_line_of_a_title_that_changed_is_painted():
    async with Panelled().run_test(size=(40, 10)) as pilot:
        panel = pilot.app.query_one(Vertical)
        entitle(panel, "[Queue]", "1 card")
        await pilot.pause()
        painted: list[Region] = []
        panel.refresh = lambda *regions: painted.extend(region.translate(panel.content_offset) for region in regions)

        entitle(panel, "[Queue]", "1 card")
        assert not painted

        entitle(panel, "[Queue]", "2 cards")
        assert painted == [Region(0, 9, 40, 1)]


async def test_a_new_title_is_to_be_seen():
    async with Panelled().run_test(size=(40, 10)) as pilot:
        panel = pilot.app.query_one(Vertical)
        for title in ("Queue", "Gallery"):
            entitle(panel, title, f"{title} below")
            await pilot.pause()
            lines = text_of(pilot.app).splitlines()
            assert title in lines[0]
            assert f"{title} below" in lines[9]
