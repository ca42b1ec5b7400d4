"""Cells of a line in columns of a width: padded, or cut with an ellipsis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len
from textual.content import Content

from imagineer_tui.printable import one_line


class Titled(NamedTuple):
    """A title, and what tells things of the same title apart: a title that is long leaves it half of the room."""

    title: str
    theme: str

    @property
    def plain(self) -> str:
        """Both in full."""
        return f"{self.title} {self.theme}".rstrip()

    def within(self, width: int) -> Content:
        """Return both in at most so many cells."""
        title, theme = one_line(self.title), one_line(self.theme)
        if not theme:
            return Content(title)
        room = max(width // 2, width - cell_len(theme) - 1)
        return Content.assemble(Content(title).truncate(room, ellipsis=True), (f" {theme}", "dim"))


Cell: TypeAlias = Content | Titled | str


class Column(NamedTuple):
    """A column of `width` cells; where that is 0, it takes what is left. Without any title there is no header."""

    title: str = ""
    width: int = 0
    right: bool = False


def joined(columns: Sequence[Column], cells: Sequence[Cell], mark: str, width: int) -> Content:
    """Return cells behind a mark in `width` cells altogether.

    A blank follows each that has a width of its own, and the one that has not where the next begins at its left.
    """
    gap = any(not (before.width or column.right) for before, column in pairwise(columns))
    taken = sum(column.width + 1 for column in columns if column.width) + gap
    left = max(0, width - len(mark) - taken)
    content = Content(mark)
    for column, cell in zip(columns, cells, strict=False):
        content += _fitted(cell, column.width or left, right=column.right) + (" " if column.width or gap else "")
    return content


def _as_content(cell: Cell, width: int) -> Content:
    match cell:
        case str():
            return Content(one_line(cell))
        case Titled():
            return cell.within(width)
    return _flat(cell)


def _flat(content: Content) -> Content:
    """Return a text without the line breaks and tabs that would leave the line."""
    if content.plain == one_line(content.plain):
        return content
    return Content(" ").join(content.split("\n", allow_blank=True)).expand_tabs(1)


def _fitted(cell: Cell, width: int, *, right: bool) -> Content:
    content = _as_content(cell, width)
    if content.cell_length > width:
        return content.truncate(width, ellipsis=True)
    room = width - content.cell_length
    pad: Callable[[int], Content] = content.pad_left if right else content.pad_right
    return pad(room)
