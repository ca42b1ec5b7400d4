"""Of a line that changed only what changed is sent, and no wide character is cut in two."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from imagineer_tui.trimming import Trimmed, boundary


def sent(text: str, first: int, end: int, x: int = 0) -> str:
    """What is sent of a line in which the cells from `first` to `end` changed; its piece begins at `x`."""
    strip = Strip([Segment(text)])
    update = Trimmed([{x: strip}], [(0, first, end)], [[x + strip.cell_length]])
    return update.render_segments(Console(color_system=None))


@pytest.mark.parametrize(
    ("first", "end", "told"),
    [(0, 10, "\x1b[1;1H0123456789"), (3, 5, "\x1b[1;4H34"), (0, 2, "\x1b[1;1H01"), (8, 10, "\x1b[1;9H89")],
)
def test_only_the_cells_that_changed_are_sent(first: int, end: int, told: str):
    assert sent("0123456789", first, end) == told


def test_a_piece_that_begins_further_right_is_sent_at_its_place():
    assert sent("0123456789", 23, 25, x=20) == "\x1b[1;24H34"
    assert sent("0123456789", 0, 22, x=20) == "\x1b[1;21H01"


def test_nothing_is_sent_of_what_lies_outside():
    assert sent("0123456789", 40, 45) == ""


def test_a_wide_character_is_sent_whole():
    assert sent("a牡羊座b", 2, 8) == "\x1b[1;2H牡羊座b"
    assert [boundary(Strip([Segment("a牡b")]), cell) for cell in range(4)] == [0, 1, 1, 3]
