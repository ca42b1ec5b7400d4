"""The lines of the library."""

from __future__ import annotations

from textual.app import App, ComposeResult

from imagineer_tui.model.mixer import Desk
from imagineer_tui.widgets.library_rows import LibraryRows
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import LoraInfo, MixInfo, ModelInfo


class Library(App[None]):
    def compose(self) -> ComposeResult:
        yield LibraryRows()


async def test_loras_come_first_then_the_mixes_and_marks_tell_what_is_used_and_what_does_not_fit():
    app = Library()
    async with app.run_test(size=(40, 8)) as pilot:
        rows = app.query_one(LibraryRows)
        loras = [LoraInfo(name="Ink", base="starter", ranks=(4,)), LoraInfo(name="Gothic", base="sdxl", ranks=(8, 32))]

        mixes = [MixInfo(name="front", mix=(LoraWeight("Ink"),))]
        rows.show(loras, mixes, Desk().add("Ink", None), ModelInfo(name="starter", base="starter"))
        await pilot.pause()

        lines = ["".join(segment.text for segment in rows.render_line(y)).split() for y in range(4)]
        assert lines[0][-4:] == ["Ink", "starter", "r4", "●"]
        assert lines[1] == ["Gothic", "SDXL", "r32", "✗"]
        assert rows.keys == ["lora:Ink", "lora:Gothic", "mix:front"]
