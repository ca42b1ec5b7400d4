"""How large the small pictures of a page are, and how many of them have room."""

from __future__ import annotations

from typing import Final, NamedTuple

from textual.geometry import Size

GAP: Final = 2
"""Columns between two cells; a row is left empty below each."""


class Sizes(NamedTuple):
    """Columns and rows of small pictures, the largest first; smaller ones only where `fewest` would have no room."""

    pictures: tuple[tuple[int, int], ...]
    fewest: int


USUAL: Final = Sizes(((24, 18), (18, 13), (12, 9), (10, 8), (8, 6)), 8)
"""With cells twice as high as wide, the shape of a card."""


def layout(size: Size, sizes: Sizes = USUAL) -> tuple[tuple[int, int], int, int]:
    """Return the pictures' size, columns and rows: the largest pictures of which enough have room."""
    for picture in sizes.pictures:
        columns = (size.width + GAP) // (picture[0] + GAP)
        rows = (size.height + 1) // (picture[1] + 2)
        if columns * rows >= sizes.fewest:
            break
    return picture, max(columns, 1), max(rows, 1)
