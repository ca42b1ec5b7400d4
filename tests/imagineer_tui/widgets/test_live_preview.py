"""The picture that is being drawn."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from house import ROOT, wait_until
from pseudo_terminal import PseudoTerminal, small_app
from textual.app import App, ComposeResult

from imagineer_tui.widgets.live_preview import LivePreview
from imagineer_tui.widgets.strips import UPPER

ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
RED, BLUE = b"\xff\0\0", b"\0\0\xff"


class Easel(App[None]):
    """A preview and nothing else."""

    def compose(self) -> ComposeResult:
        yield LivePreview()


def lines(preview: LivePreview) -> list[str]:
    return [preview.render_line(y).text for y in range(preview.size.height)]


async def test_a_frame_stands_in_the_middle_as_large_as_it_fits() -> None:
    app = Easel()
    async with app.run_test(size=(10, 4)):
        preview = app.query_one(LivePreview)
        preview.show((RED + BLUE) * 3, 2)  # 2x3 pixels become 4x6: four columns in three lines
        assert [len(line) for line in lines(preview)] == [10] * 4
        middle = preview.render_line(0)
        assert [segment.cell_length for segment in middle][:3] == [3, 2, 2]
        assert lines(preview)[3].strip() == ""


async def test_a_frame_that_comes_too_early_waits_and_only_the_newest_is_drawn() -> None:
    app = Easel()
    async with app.run_test(size=(10, 4)) as pilot:
        preview = app.query_one(LivePreview)
        preview.show(RED * 4, 2)
        first = preview.render_line(0)
        preview.show(RED * 2 + BLUE * 2, 2)
        preview.show(BLUE * 4, 2)
        assert preview.render_line(0) == first
        while preview.render_line(0) == first:
            await pilot.pause(0.01)
        assert UPPER not in preview.render_line(0).text  # it was never half red


async def test_a_cleared_preview_is_empty_and_stays_so() -> None:
    app = Easel()
    async with app.run_test(size=(10, 4)) as pilot:
        preview = app.query_one(LivePreview)
        preview.show(RED * 4, 2)
        preview.show(BLUE * 4, 2)
        preview.clear()
        await pilot.pause(0.3)
        assert len(list(preview.render_line(1))) == 1


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_previews_cost_twenty_kilobytes_a_second_however_many_come(size: tuple[int, int], tmp_path: Path) -> None:
    with PseudoTerminal(small_app("preview", tmp_path / "report.json"), ENVIRON, size=size) as terminal:
        wait_until(lambda: len(terminal.output) > 20_000)
        assert terminal.bytes_in(6.0) <= 6 * 20_000


async def test_what_is_awaited_is_broken_where_it_is_too_long() -> None:
    app = Easel()
    async with app.run_test(size=(12, 6)):
        preview = app.query_one(LivePreview)
        preview.clear("the cards are on their way")
        assert [line.strip() for line in lines(preview)] == ["", "", "the cards", "are on their", "way", ""]


async def test_what_is_awaited_stands_there_until_the_first_frame() -> None:
    app = Easel()
    async with app.run_test(size=(12, 6)):
        preview = app.query_one(LivePreview)
        preview.say("it starts")
        preview.say("")
        assert "".join(lines(preview)).strip() == ""

        preview.show(RED * 4, 2)
        preview.say("it starts")
        assert "starts" not in "".join(lines(preview))
