"""A small picture with its name and marks: one cell of a page."""

from __future__ import annotations

from asyncio import Task, create_task
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from imagineer_tui.printable import one_line
from imagineer_tui.widgets.decoding import Box
from imagineer_tui.widgets.drawings import Wanted
from imagineer_tui.widgets.strips import standing_on
from imagineerd.errors import DaemonAway, ImagineerError

if TYPE_CHECKING:
    from imagineer_tui.widgets.thumbnails import Thumbnails

PICK, FAVOURITE, MISSING, FAILED, BLURRED = "★♥◌✗▒"
"""The marks before a name."""


@dataclass(frozen=True)
class Thumb:
    """What a cell shows: a picture by its key, empty where there is none.

    `marks` are written before the name, `more` behind it, also where that is cut.
    """

    key: str
    name: str
    marks: str = ""
    blurred: bool = False
    more: str = ""

    @property
    def caption(self) -> str:
        """The marks, the name, and how much more there is."""
        return f"{self.title} {self.more}" if self.more else self.title

    @property
    def title(self) -> str:
        """The marks and the name."""
        marks = self.marks + (BLURRED if self.blurred else "")
        name = one_line(self.name)
        return f"{marks} {name}" if marks else name


class Thumbnail(Widget):
    """A cell; what it shows comes and goes, the widget stays."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"thumbnail--caption", "thumbnail--cursor", "thumbnail--empty"}
    DEFAULT_CSS = """
    Thumbnail {
        width: 100%; height: 100%;
        & > .thumbnail--caption { color: $text-muted; }
        & > .thumbnail--cursor { text-style: reverse bold; }
        & > .thumbnail--empty { color: $text-disabled; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._thumb: Thumb | None = None
        self._wanted: Wanted | None = None
        self._highlighted = False
        self._ground = Style.null()
        self._strips: list[Strip] = []
        self._note = ""
        self._drawing: Task[None] | None = None

    @property
    def is_drawing(self) -> bool:
        """Say whether its picture is still to come."""
        return self._drawing is not None and not self._drawing.done()

    def show(self, thumb: Thumb | None, page: Thumbnails, *, highlighted: bool) -> None:
        """Show a thumb, or nothing; the picture comes when it is drawn."""
        wanted = _wanted(thumb, page) if thumb else None
        if wanted != self._wanted or _key(thumb) != _key(self._thumb):
            self._show_picture(wanted, page, "" if _key(thumb) else MISSING)
        if (thumb, highlighted) != (self._thumb, self._highlighted):
            self._thumb, self._highlighted = thumb, highlighted
            self._refresh_caption()

    def highlight(self, *, on: bool) -> None:
        """Put the cursor here, or take it away."""
        self._highlighted = on
        self._refresh_caption()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines; the style below them, which all ancestors have a say in, is asked for once."""
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return a line of the picture, or the caption below it."""
        width, height = self.size
        if self._thumb is None:
            return Strip.blank(width, self._ground)
        if y == height - 1:
            return self._caption(self._thumb, width)
        top = (height - 1 - len(self._strips)) // 2
        if top <= y < top + len(self._strips):
            return self._centred(self._strips[y - top], width)
        return self._empty(width, self._note if y == (height - 1) // 2 and not self._strips else "")

    def on_unmount(self) -> None:
        """Draw nothing for a cell that is gone."""
        self._cancel()

    def _show_picture(self, wanted: Wanted | None, page: Thumbnails, instead: str) -> None:
        self._cancel()
        self._wanted = wanted
        self._strips, self._note = [], instead
        if wanted is not None:
            self._note = "…"
            ready = page.drawings.ready(wanted)
            if ready is None:
                self._drawing = create_task(self._draw(wanted, page))
            else:
                self._strips = ready.strips
        self.refresh()

    async def _draw(self, wanted: Wanted, page: Thumbnails) -> None:
        try:
            self._strips = (await page.drawings.draw(wanted)).strips
        except DaemonAway:
            self._wanted, self._note = None, MISSING  # to be asked for again when the daemon is back
        except (OSError, ImagineerError):
            self._note = FAILED
        self.refresh(Region(0, 0, self.size.width, self.size.height - 1))

    def _cancel(self) -> None:
        if self._drawing is not None:
            self._drawing.cancel()

    def _refresh_caption(self) -> None:
        self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    def _caption(self, thumb: Thumb, width: int) -> Strip:
        style = self.get_component_rich_style("thumbnail--cursor" if self._highlighted else "thumbnail--caption")
        text = thumb.caption
        if thumb.more and cell_len(text) > width:
            room = max(0, width - cell_len(thumb.more) - 2)
            text = f"{set_cell_size(thumb.title, room)}… {thumb.more}"
        return _line(text, width, style)

    def _empty(self, width: int, note: str) -> Strip:
        return _line(note.center(width), width, self.get_component_rich_style("thumbnail--empty"))

    def _centred(self, strip: Strip, width: int) -> Strip:
        left = (width - strip.cell_length) // 2
        right = width - left - strip.cell_length
        return standing_on(strip, self._ground).crop_pad(strip.cell_length, left, right, self._ground)


def _line(text: str, width: int, style: Style) -> Strip:
    """Return a text in exactly so many cells; what is cut ends in `…`."""
    strip = Strip([Segment(text, style)])
    if strip.cell_length > width:
        strip = Strip([*strip.crop(0, width - 1), Segment("…", style)])
    return strip.adjust_cell_length(width, style)


def _key(thumb: Thumb | None) -> str | None:
    return thumb.key if thumb else None


def _wanted(thumb: Thumb, page: Thumbnails) -> Wanted | None:
    if not thumb.key or page.shown == "off":
        return None
    return Wanted(thumb.key, Box(*page.picture, page.cell), page.shown, blurred=thumb.blurred)
