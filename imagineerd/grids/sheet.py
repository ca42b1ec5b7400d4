"""Draw the contact sheet of a grid: `python -m imagineerd.grids.sheet`, with `Contents` as JSON on standard input.

The first axis runs across and the second down; what is further stands as blocks below each other, each under its title.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from PIL import Image, ImageDraw, ImageFont

from imagineerd.grids.contents import Contents
from imagineerd.replacing import replace_file

CELL: Final = 256
"""Pixels of a picture's longer side on the sheet, at most; a smaller picture keeps its size."""
EMPTY: Final = (96, 96)
"""The size of a cell, in pixels, where no picture tells one."""
GAP: Final = 8
TITLE_SIZE: Final = 18
LABEL_SIZE: Final = 13
LINE: Final = 22
"""Pixels from one line of text to the next."""
MAX_ROW_LABEL: Final = 220
PAPER: Final = (250, 250, 248)
INK: Final = (24, 24, 24)
MISSING: Final = (224, 224, 220)
"""The colour of a cell that has no picture."""


class Layout(NamedTuple):
    """Where things are on the sheet, in pixels."""

    cell: tuple[int, int]
    left: int
    block: int
    size: tuple[int, int]

    def corner(self, block: int, row: int, column: int) -> tuple[int, int]:
        """Return the upper left corner of a cell."""
        width, height = self.cell
        top = 2 * GAP + LINE + block * self.block + 2 * LINE
        return self.left + column * (width + GAP), top + row * (height + GAP)


def draw(contents: Contents) -> Image.Image:
    """Return the sheet as a picture."""
    pictures = [_small(Path(cell.picture)) if cell.picture else None for cell in contents.cells]
    layout = layout_of(contents, next((picture.size for picture in pictures if picture), EMPTY))
    paper = Image.new("RGB", layout.size, PAPER)
    pen = ImageDraw.Draw(paper)
    _write(pen, (GAP, GAP), contents.title, layout.size[0] - 2 * GAP, TITLE_SIZE)
    for number, block in enumerate(contents.blocks):
        _label_block(pen, layout, contents, number, block)
    places = [
        layout.corner(block, row, column)
        for block in range(len(contents.blocks))
        for row in range(len(contents.rows))
        for column in range(len(contents.columns))
    ]
    for place, picture, cell in zip(places, pictures, contents.cells, strict=True):
        if picture is None:
            _draw_missing(pen, place, layout.cell, cell.note)
        else:
            paper.paste(picture, place)
    return paper


def _small(path: Path) -> Image.Image:
    """Return a picture of at most `CELL` pixels a side."""
    with Image.open(path, formats=["PNG"]) as image:
        small = image.convert("RGB")
    small.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    return small


def layout_of(contents: Contents, cell: tuple[int, int]) -> Layout:
    """Return where things are, for cells of this size in pixels."""
    width, height = cell
    widest = max((_font(LABEL_SIZE).getlength(row) for row in contents.rows), default=0.0)
    left = GAP + (min(round(widest), MAX_ROW_LABEL) + GAP if widest else 0)
    block = 2 * LINE + len(contents.rows) * (height + GAP)
    size = (left + len(contents.columns) * (width + GAP), 2 * GAP + LINE + len(contents.blocks) * block)
    return Layout(cell, left, block, size)


def _label_block(pen: ImageDraw.ImageDraw, layout: Layout, contents: Contents, number: int, title: str) -> None:
    width, height = layout.cell
    left, top = layout.corner(number, 0, 0)
    _write(pen, (GAP, top - 2 * LINE), title, layout.size[0] - 2 * GAP)
    for column, text in enumerate(contents.columns):
        _write(pen, (left + column * (width + GAP), top - LINE), text, width)
    for row, text in enumerate(contents.rows):
        middle = top + row * (height + GAP) + (height - LABEL_SIZE) // 2
        _write(pen, (GAP, middle), text, MAX_ROW_LABEL)


def _draw_missing(pen: ImageDraw.ImageDraw, place: tuple[int, int], cell: tuple[int, int], note: str) -> None:
    left, top = place
    width, height = cell
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=MISSING)
    _write(pen, (left + GAP, top + (height - LABEL_SIZE) // 2), note, width - 2 * GAP)


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: float, size: int = LABEL_SIZE) -> None:
    """Write text on one line, cut where it is wider than `width` pixels."""
    pen.text(place, shortened(text, width, size), font=_font(size), fill=INK)


def shortened(text: str, width: float, size: int) -> str:
    """Return as much of a text as `width` pixels take, with `…` where something is left out."""
    font, line = _font(size), " ".join(text.split())
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def main() -> str | None:
    """Draw what standard input says; return why that cannot be."""
    contents = msgspec.json.decode(sys.stdin.buffer.read(), type=Contents)
    png = BytesIO()
    try:
        draw(contents).save(png, "PNG")
        replace_file(Path(contents.path), png.getvalue())
    except OSError as error:
        return error.strerror or str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
