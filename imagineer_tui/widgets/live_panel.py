"""The card that is being drawn, as it emerges, and below it those that have landed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.terminal.images import Choice
from imagineer_tui.widgets.live_preview import LivePreview
from imagineer_tui.widgets.page_layout import Sizes
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.thumbnail import Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.widgets.titles import entitle

if TYPE_CHECKING:
    from imagineer_tui.terminal.detection import Terminal
    from imagineer_tui.widgets.drawings import Drawings, Load
    from imagineerd.protocol import Preview

LANDED: Final = Sizes(((8, 6), (7, 5), (6, 4)), 12)
"""Of pictures that have landed: the first deck, a zodiac, stays in sight as a whole."""
LEAST_SIDE: Final = 16
MOST_SIDE: Final = 96
"""Pixels of a preview's longer side: as many as there are half cells, within reason."""
NOTHING_YET: Final = "Cards emerge here"


class LivePanel(Vertical):
    """Two panels. While nothing is drawn, the first shows the newest that landed.

    The second shows as many of the newest as have room, each where it stands until another one takes its place, so that
    a card that lands costs one picture.
    """

    DEFAULT_CSS = """
    LivePanel {
        #live { height: 4fr; }
        #landed { height: 3fr; padding: 0 1; }
        #told {
            height: 1; padding: 0 1; text-align: center; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
        }
        Picture { display: none; }
        &.-resting { Picture { display: block; } LivePreview { display: none; } }
    }
    """

    def __init__(self, drawings: Drawings, load: Load, images: Choice, terminal: Terminal) -> None:
        super().__init__()
        self._drawings = drawings
        self._load = load
        self._images = images
        self._terminal = terminal
        self._landed: Sequence[Thumb] = ()
        self._places: list[Thumb] = []
        self._told = ""
        self._rested = ""

    def compose(self) -> ComposeResult:
        """Put both panels."""
        with Vertical(id="live", classes="panel") as live:
            live.border_title = "Live"
            yield LivePreview(self._images.small)
            yield Picture(self._load, self._images.large, self._terminal)
            yield Static(id="told", markup=False)
        with Vertical(id="landed", classes="panel") as landed:
            landed.border_title = "Landed"
            thumbnails = Thumbnails(self._drawings, self._images.small, sizes=LANDED)
            thumbnails.can_focus = False
            yield thumbnails

    @property
    def looks(self) -> bool:
        """Say whether there is anything to see of it."""
        return bool(self.display and self.size and self._images.small != "off")

    @property
    def max_side(self) -> int:
        """Pixels of a preview's longer side that can be told apart."""
        width, height = self.query_one("#live").content_size
        return max(LEAST_SIDE, min(MOST_SIDE, max(width, 2 * height)))

    def show(self, preview: Preview) -> None:
        """Show how far a card is."""
        self.remove_class("-resting")
        self.query_one(LivePreview).show(preview.rgb, preview.width)

    def rest(self, awaited: str) -> None:
        """Show the newest that landed, as nothing is drawn; before there is one, what is awaited."""
        newest = self._landed[-1] if self._landed else None
        self.set_class(newest is not None, "-resting")
        self.query_one(LivePreview).clear(awaited or NOTHING_YET)
        if newest:
            self.query_one(Picture).show(newest.key, blurred=newest.blurred)
        self._rested = newest.caption if newest else ""
        self.tell(self._rested)

    def announce(self, name: str, state: str, awaited: str = "") -> None:
        """Say what is drawn now; where a finished card stands in its place still, say first which one that is.

        `awaited` stands where its first picture will.
        """
        self.query_one(LivePreview).say(awaited)
        named = f"{self._rested}; {name}" if self.has_class("-resting") else name
        self.tell(fitting(named, state, self.query_one("#told").content_size.width))

    def tell(self, text: str) -> None:
        """Say what the picture is."""
        if text != self._told:
            self._told = text
            self.query_one("#told", Static).update(text, layout=False)

    def land(self, thumbs: Sequence[Thumb], note: str) -> None:
        """Show these takes; the newest is the last. `note` says how many are still to come."""
        self._landed = thumbs
        self._show_landed()
        entitle(self.query_one("#landed"), "Landed", note)

    @on(Thumbnails.Fitted)
    def _lay_out(self) -> None:
        """There is room for more, or for fewer."""
        self._places = []
        self._show_landed()

    def _show_landed(self) -> None:
        page = self.query_one(Thumbnails)
        self._places = settled(self._landed, self._places, page.page_size)
        page.show(self._places, self._places.index(self._landed[-1]) if self._landed else 0)

    def show_as(self, images: Choice) -> None:
        """Show pictures another way."""
        self._images = images
        self.query_one(LivePreview).shown = images.small
        self.query_one(Picture).show_as(images.large)
        self.query_one(Thumbnails).show_as(images.small)


def fitting(name: str, state: str, width: int) -> str:
    """Return `Aries · step 3/20` in so many cells: of a long name the beginning, since it stands in the queue, too."""
    room = width - cell_len(f" · {state}")
    return f"{Content(name).truncate(max(2, room), ellipsis=True).plain} · {state}"


def settled(thumbs: Sequence[Thumb], before: Sequence[Thumb], room: int) -> list[Thumb]:
    """Return the newest, which are the last: those that were there `before` at their places, new ones where room is."""
    newest, known = {thumb.key: thumb for thumb in thumbs[-room:]}, {thumb.key for thumb in before}
    come = iter([thumb for thumb in newest.values() if thumb.key not in known])
    places = [newest[thumb.key] if thumb.key in newest else next(come, None) for thumb in before]
    return [*filter(None, places), *come]
