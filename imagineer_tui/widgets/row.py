"""One row of a list, and a line of text in the styles of the list."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual
from textual.widget import Widget

from imagineer_tui.widgets.columns import Cell


class Row(NamedTuple):
    """A line: its key, its cells, and whether the cursor passes over it (`heading`) or it cannot be used (`dim`)."""

    key: str
    cells: tuple[Cell, ...]
    heading: bool = False
    dim: bool = False

    @property
    def text(self) -> str:
        """Return the words that a filter looks at."""
        return " ".join(cell if isinstance(cell, str) else cell.plain for cell in self.cells).lower()


def styled(rows: Widget, content: Content, *classes: str) -> Strip:
    """Return a line as wide as the list, in these of its component styles."""
    style = rows.get_visual_style(*classes)
    if any(rows.get_component_styles(name).text_style.reverse for name in classes):
        style += Style(reverse=True)  # which Textual leaves out
    width = rows.size.width
    strips = Visual.to_strips(rows, content.truncate(width), width, 1, style, apply_selection=False)
    return strips[0].extend_cell_length(width, style.rich_style) if strips else Strip.blank(width)
