"""Of a line that changed, only what changed is sent.

Textual sends a changed piece of a line from where its widget begins. On a slow line that is most of what a progress bar
costs: here a piece begins where it differs, or one cell before, so that no wide character is cut in two.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from rich.cells import get_character_cell_size
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip

R = TypeVar("R")


class Trimmed(ChopsUpdate):
    """The same update of some cells of some lines, from the first cell of each piece on."""

    def render_segments(self, console: Console) -> str:
        """Return it as the terminal is told it."""
        parts = []
        for y, first, end in self.spans:
            for piece_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is not None and x <= end and piece_end > first:
                    begin = boundary(strip, max(0, first - x))
                    parts.append(Control.move_to(x + begin, y).segment.text)
                    parts.append(strip.crop(begin, min(piece_end, end) - x).render(console))
        return "".join(parts)


def boundary(strip: Strip, cell: int) -> int:
    """Return the last cell up to this one at which a character begins."""
    at = 0
    for letter in strip.text:
        width = get_character_cell_size(letter)
        if at + width > cell:
            return at
        at += width
    return at


class Trimming(App[R], Generic[R]):
    """An app that sends no more of a line than what changed."""

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if type(renderable) is ChopsUpdate:
            renderable = Trimmed(renderable.chops, renderable.spans, renderable.chop_ends)
        super()._display(screen, renderable)
