"""How large the small pictures of a page are, and how many of them have room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.geometry import Size

PICTURES: Final = ((24, 18), (18, 13), (12, 9), (10, 8), (8, 6))
"""Columns and rows of a small picture: with cells twice as high as wide, the shape of a card."""
FEWEST: Final = 8
"""Cells on a page for which pictures may be larger than the smallest."""
GAP: Final = 2
"""Columns between two cells; a row is left empty below each."""


def layout(size: Size, pictures: Sequence[tuple[int, int]] = PICTURES) -> tuple[tuple[int, int], int, int]:
    """Return the pictures' size, columns and rows: the largest pictures of which enough have room."""
    for picture in pictures:
        columns = (size.width + GAP) // (picture[0] + GAP)
        rows = (size.height + 1) // (picture[1] + 2)
        if columns * rows >= FEWEST:
            break
    return picture, max(columns, 1), max(rows, 1)
