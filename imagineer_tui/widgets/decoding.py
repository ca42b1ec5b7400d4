"""A picture's file as pixels that fit into a box of cells. Pillow is loaded by the first picture, in its thread."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from imagineer_tui.widgets.strips import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

BLURRED: Final = 4
"""Pixels that are left of a blurred picture's shorter side: colours and no more."""


@dataclass(frozen=True)
class Box:
    """Room for a picture: `columns` by `rows` of cells, each `cell` (width, height) screen pixels large."""

    columns: int
    rows: int
    cell: tuple[int, int] = (10, 20)

    def fitted(self, size: tuple[int, int]) -> Box:
        """Return the largest box in this one with the shape of a picture of `size`, of a cell at least."""
        width, height = (limit * side for limit, side in zip((self.columns, self.rows), self.cell, strict=True))
        scale = min(width / size[0], height / size[1])
        columns, rows = (max(1, round(scale * side / cell)) for side, cell in zip(size, self.cell, strict=True))
        return Box(min(columns, self.columns), min(rows, self.rows), self.cell)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height in screen pixels."""
        return self.columns * self.cell[0], self.rows * self.cell[1]


def opened(data: bytes, *, blurred: bool = False) -> Picture:
    """Return a picture in RGB. Raises `OSError` where the file is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as file:
            image = file.convert("RGB")
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(f"The picture cannot be read ({error}).") from error
    return _blurred(image) if blurred else image


def to_half_pixels(image: Picture, box: Box) -> Pixels:
    """Return a picture scaled into a box, two pixels to a cell."""
    from PIL import Image

    inner = box.fitted(image.size)
    size = inner.columns, inner.rows * 2
    return Pixels(inner.columns, image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3).tobytes())


def to_screen_pixels(image: Picture, box: Box) -> Picture:
    """Return a picture scaled into a box, as many pixels as the screen shows."""
    from PIL import Image

    return image.resize(box.fitted(image.size).pixels, Image.Resampling.LANCZOS, reducing_gap=3)


def _blurred(image: Picture) -> Picture:
    from PIL import Image

    small = max(BLURRED, BLURRED * image.width // image.height), max(BLURRED, BLURRED * image.height // image.width)
    return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
