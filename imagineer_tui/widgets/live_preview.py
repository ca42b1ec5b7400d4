"""The picture that is being drawn, from a few rough pixels that the worker sends now and then."""

from __future__ import annotations

import time
from textwrap import wrap
from typing import Final

from rich.segment import Segment
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.strips import Pixels, half_blocks, letters, scaled, standing_on

BUDGET: Final = 11_000
"""Bytes a second that previews may cost on average; with the bars beside them and what Textual adds, 20 kB/s are not
reached."""
MOST: Final = 3
"""How often a pixel is repeated, at most: each line costs, and a small picture that moves says more."""
MOVE: Final = 10
"""Bytes that bring the cursor to a line."""
SHORTEST_S: Final = 0.2
"""Seconds from one frame to the next, at least."""


class LivePreview(Widget):
    """Shows the newest frame there was time for; those in between are never drawn."""

    DEFAULT_CSS = """
    LivePreview { width: 1fr; height: 1fr; }
    """

    def __init__(self, shown: Shown = "half", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.shown = shown
        self._newest: Pixels | None = None
        self._strips: list[Strip] = []
        self._free_at = 0.0
        self._timer: Timer | None = None
        self._note = ""

    def show(self, rgb: bytes, width: int) -> None:
        """Show a frame: 3 bytes for each pixel, `width` of them in a row. Frames may come as fast as they like."""
        self._newest = Pixels(width, rgb)
        if self._timer is not None:
            return
        if (wait := self._free_at - time.monotonic()) > 0:
            self._timer = self.set_timer(wait, self._draw)
        else:
            self._draw()

    def on_resize(self) -> None:
        """Draw the newest frame where there is room for it now."""
        if self._timer is None:
            self._draw()

    def say(self, note: str) -> None:
        """Show a note while there is no frame."""
        if not self._strips:
            self.clear(note)

    def clear(self, note: str = "") -> None:
        """Show nothing but a note."""
        if self._strips or note != self._note:
            self._newest, self._strips, self._note = None, [], note
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line; the picture stands in the middle."""
        width, height = self.size
        if not self._strips:
            lines = wrap(self._note, max(1, width))
            at = y - (height - len(lines) + 1) // 2
            note = lines[at] if 0 <= at < len(lines) else ""
            return Strip([Segment(note.center(width)[:width], self.rich_style)], width)
        top = (height - len(self._strips)) // 2
        if not top <= y < top + len(self._strips):
            return Strip.blank(width, self.rich_style)
        strip = standing_on(self._strips[y - top], self.rich_style).crop(0, width)
        left = (width - strip.cell_length) // 2
        return strip.crop_pad(strip.cell_length, left, width - left - strip.cell_length, self.rich_style)

    def _sides(self, pixels: Pixels) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return (room, pixels) across and down."""
        return (self.size.width, pixels.width), (self.size.height * 2, pixels.height)

    def _draw(self) -> None:
        self._timer = None
        if self._newest is None or self.shown == "off" or not self.size:
            return
        width, height = (min(room, MOST * side) for room, side in self._sides(self._newest))
        pixels = scaled(self._newest, width, height)
        self._strips = letters(pixels) if self.shown == "ascii" else half_blocks(pixels)
        lines = map(self.render_line, range(self.size.height))
        cost = sum(len(line.render(self.app.console).encode()) + MOVE for line in lines)
        self._free_at = time.monotonic() + max(cost / BUDGET, SHORTEST_S)
        self.refresh()
