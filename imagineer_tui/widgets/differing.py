"""Where two drawings of a line differ: only that much of it needs to be sent."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import get_character_cell_size
from rich.style import Style
from textual.strip import Strip

Cell = tuple[str, Style | None]


def differing(old: Strip, new: Strip) -> tuple[int, int]:
    """Return the first cell that differs and the one behind the last; equal lines give two equal numbers."""
    places = [place for place, (a, b) in enumerate(zip_longest(_cells(old), _cells(new))) if a != b]
    return (places[0], places[-1] + 1) if places else (0, 0)


def _cells(strip: Strip) -> list[Cell]:
    """Return what stands in each cell; the second cell of a wide character tells it, too."""
    return [
        (letter, segment.style)
        for segment in strip
        for letter in segment.text
        for _ in range(get_character_cell_size(letter))
    ]
