"""Pixels as lines of text: two of them in a cell as an upper half block, or one letter for a cell.

A pixel of these pictures is half a cell high, so with cells of 10x20 screen pixels it is a square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

UPPER: Final = "▀"
LETTERS: Final = " .:-=+*#%@"
"""From dark to bright."""
RGB: Final = 3
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Pixels:
    """`rgb` holds 3 bytes for each pixel, row by row, `width` of them in a row."""

    width: int
    rgb: bytes

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return len(self.rgb) // (RGB * self.width) if self.width else 0

    def row(self, y: int) -> list[Rgb | None]:
        """Return a row of colours; None below the last one."""
        if y >= self.height:
            return [None] * self.width
        values = memoryview(self.rgb)[RGB * self.width * y : RGB * self.width * (y + 1)]
        return list(zip(values[0::RGB], values[1::RGB], values[2::RGB], strict=True))


def half_blocks(pixels: Pixels) -> list[Strip]:
    """Return a line for every two rows; the lower half of the last one stays empty where the rows are odd."""
    return [
        Strip([_half_segment(pair, len(list(run))) for pair, run in groupby(_pairs(pixels, y))], pixels.width)
        for y in range(0, pixels.height, 2)
    ]


def letters(pixels: Pixels, *, dark: bool = True) -> list[Strip]:
    """Return a line for every two rows, without colours; the darkest and the brightest cell get the ends of `LETTERS`.

    `dark` is the background that they are read on.
    """
    ramp = LETTERS if dark else LETTERS[::-1]
    lumas = [[_luma(pair) for pair in _pairs(pixels, y)] for y in range(0, pixels.height, 2)]
    low = min(map(min, lumas), default=0)
    step = (max(map(max, lumas), default=0) - low + 1) / len(ramp)
    lines = ("".join(ramp[int((luma - low) / step)] for luma in row) for row in lumas)
    return [Strip([Segment(line)], pixels.width) for line in lines]


def scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return pixels repeated as often as they fit, which costs hardly more bytes, or thinned out where they do not."""
    factor = min(width / pixels.width, height / pixels.height)
    factor = int(factor) if factor >= 1 else factor
    columns, rows = max(round(pixels.width * factor), 1), max(round(pixels.height * factor), 1)
    across = [int(x / factor) for x in range(columns)]
    lines = []
    for y in range(rows):
        start = int(y / factor) * pixels.width
        lines += [pixels.rgb[RGB * (start + x) : RGB * (start + x + 1)] for x in across]
    return Pixels(columns, b"".join(lines))


def standing_on(strip: Strip, style: Style) -> Strip:
    """Return a line in the colours of the place where it stands: letters in both, below half a cell the background."""
    if all(segment.style and segment.style.bgcolor for segment in strip):
        return strip
    plain = all(segment.style is None for segment in strip)
    return strip.apply_style(style if plain else style.background_style)


def _pairs(pixels: Pixels, y: int) -> Iterator[tuple[Rgb | None, Rgb | None]]:
    return zip(pixels.row(y), pixels.row(y + 1), strict=True)


def _half_segment(pair: tuple[Rgb | None, Rgb | None], count: int) -> Segment:
    upper, lower = pair
    # A space costs half the bytes.
    return Segment((" " if upper == lower else UPPER) * count, _style(upper, lower))


@lru_cache(maxsize=4096)
def _style(upper: Rgb | None, lower: Rgb | None) -> Style:
    background = Color.from_rgb(*lower) if lower else None
    if upper is None or upper == lower:
        return Style(bgcolor=background)
    return Style(color=Color.from_rgb(*upper), bgcolor=background)


def _luma(pair: tuple[Rgb | None, Rgb | None]) -> int:
    """Return the brightness of a cell, from 0 to 255,000 (Rec. 601)."""
    lumas = [299 * red + 587 * green + 114 * blue for red, green, blue in filter(None, pair)]
    return sum(lumas) // len(lumas)
