"""The one large picture: in the terminal's own protocol where it has one, else in half blocks or letters."""

from __future__ import annotations

from asyncio import Task, create_task
from collections import OrderedDict
from collections.abc import Iterable
from textwrap import wrap
from typing import Final

from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from imagineer_tui.printable import printable
from imagineer_tui.terminal import graphics, tmux
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.driver import send
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.decoding import Box
from imagineer_tui.widgets.drawings import Drawing, Drawings, Load, Wanted
from imagineer_tui.widgets.strips import standing_on
from imagineerd.errors import DaemonAway, ImagineerError

AWAY: Final = "not here while the daemon is away"
KEPT: Final = 8
"""Large pictures that are kept, here with their files and in the terminal."""
_THERE, _BACK = "\x1b7", "\x1b8"
"""Remember where the cursor is, and bring it back (DECSC, DECRC)."""


class Picture(Widget):
    """Shows a picture as large as there is room for; `shown` is the way (`images.choose`)."""

    DEFAULT_CSS = """
    Picture { width: 1fr; height: 1fr; }
    """

    def __init__(self, load: Load, shown: Shown, terminal: Terminal, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.shown = shown
        self._terminal = terminal
        self._drawings = Drawings(load, dark=terminal.dark, kept=KEPT)
        self._key = ""
        self._blurred = False
        self._wanted: Wanted | None = None
        self._drawing: Drawing | None = None
        self._drawn_for = Size()
        self._note: list[str] = []
        self._ground = Style.null()
        self._fetching: Task[None] | None = None
        self._uploaded: OrderedDict[int, None] = OrderedDict()

    @property
    def key(self) -> str:
        """What it shows, or soon will; empty for nothing."""
        return self._key

    def show(self, key: str, *, blurred: bool = False) -> None:
        """Show the picture of this key; none where it is empty. The last one stays until the new one is ready."""
        self._key, self._blurred = key, blurred
        self._draw_anew()

    def show_as(self, shown: Shown) -> None:
        """Show the pictures in another way."""
        self.shown = shown
        self._draw_anew()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._draw_anew()

    def on_unmount(self) -> None:
        """Free what the terminal keeps."""
        self._cancel()
        self._free(self._uploaded)
        self._uploaded.clear()

    def render_line(self, y: int) -> Strip:
        """Return a line of the picture or of the room around it."""
        width, height = self.size
        if self._drawing is None:
            at = y - (height - len(self._note)) // 2
            note = self._note[at] if 0 <= at < len(self._note) else ""
            return Strip([Segment(note.center(width)[:width], self._ground)], width)
        left, top = self._corner(self._drawing)
        if not top <= y < top + len(self._drawing.strips):
            return Strip.blank(width, self._ground)
        strip = standing_on(self._drawing.strips[y - top], self._ground)
        return strip.crop_pad(strip.cell_length, left, width - left - strip.cell_length, self._ground)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines, on the colour that is around the picture."""
        self._ground = self.rich_style  # which all ancestors have a say in
        return super().render_lines(crop)

    def over_text(self) -> tuple[Region, str] | None:
        """Return where Sixels stand, and what draws them; those that were made for another size are not shown."""
        drawing = self._drawing
        if drawing is None or not drawing.sixels or self._drawn_for != self.size:
            return None
        place = Region(*self._corner(drawing), drawing.strips[0].cell_length, len(drawing.strips))
        place = place.translate(self.content_region.offset)
        return place, f"{_THERE}{Control.move_to(*place.offset).segment.text}{drawing.sixels}{_BACK}"

    def _draw_anew(self) -> None:
        wanted = self._wanting()
        if wanted == self._wanted:
            return
        self._cancel()
        self._wanted = wanted
        ready = self._drawings.ready(wanted) if wanted else None
        if wanted is None or ready is not None:
            self._put(ready)
        else:
            self._fetching = create_task(self._draw(wanted))

    def _wanting(self) -> Wanted | None:
        if not self._key or self.shown == "off" or not self.size:
            return None
        return Wanted(self._key, self._room, self.shown, blurred=self._blurred)

    @property
    def _room(self) -> Box:
        """The cells that a picture may fill."""
        (columns, rows), (width, height) = self.size, self._terminal.cell
        if self.shown == "sixel" and (most := self._terminal.sixel_size):
            columns, rows = max(1, min(columns, most[0] // width)), max(1, min(rows, most[1] // height))
        return Box(columns, rows, (width, height))

    async def _draw(self, wanted: Wanted) -> None:
        try:
            self._put(await self._drawings.draw(wanted))
        except DaemonAway:
            self._wanted = None  # or it would not be asked for again when the daemon is back
            self._put(None, AWAY)
        except (OSError, ImagineerError) as error:
            self._put(None, f"✗ {error}")

    def _put(self, drawing: Drawing | None, note: str = "") -> None:
        self._drawing, self._note = drawing, wrap(printable(note), max(1, self.size.width))
        self._drawn_for = self.size
        if drawing and drawing.picture:
            self._upload(drawing)
        self.refresh()

    def _upload(self, drawing: Drawing) -> None:
        """Bring a picture into the terminal if it is not there; those looked at longest ago go."""
        if drawing.picture not in self._uploaded:
            self._send(drawing.upload)
        self._uploaded[drawing.picture] = None
        self._uploaded.move_to_end(drawing.picture)
        while len(self._uploaded) > KEPT:
            self._free([self._uploaded.popitem(last=False)[0]])

    def _free(self, pictures: Iterable[int]) -> None:
        self._send(map(graphics.kitty_delete, pictures))

    def _send(self, sequences: Iterable[str]) -> None:
        wrap = tmux.wrapped if self._terminal.multiplexer == "tmux" else str
        if text := "".join(map(wrap, sequences)):
            send(self.app, text)

    def _cancel(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()

    def _corner(self, drawing: Drawing) -> tuple[int, int]:
        """Return the cell of a drawing's upper left corner: it stands in the middle."""
        return (self.size.width - drawing.strips[0].cell_length) // 2, (self.size.height - len(drawing.strips)) // 2
