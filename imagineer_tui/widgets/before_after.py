"""Two auditions side by side: the one before and the one that is heard now, also while it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Choice
from imagineer_tui.widgets.drawings import Load
from imagineer_tui.widgets.live_panel import LEAST_SIDE, MOST_SIDE
from imagineer_tui.widgets.live_preview import LivePreview
from imagineer_tui.widgets.picture import Picture

if TYPE_CHECKING:
    from imagineerd.protocol import Preview


class BeforeAfter(Horizontal):
    """Two places, each with a line of text below its picture."""

    DEFAULT_CSS = """
    BeforeAfter {
        height: 1fr;
        Vertical { width: 1fr; height: 1fr; }
        #before { display: none; }
        Static {
            height: 1; padding: 0 1; text-align: center; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
        }
        LivePreview { display: none; }
        &.-live #now { Picture { display: none; } LivePreview { display: block; } }
    }
    """

    def __init__(self, load: Load, images: Choice, terminal: Terminal) -> None:
        super().__init__()
        self._load, self._images, self._terminal = load, images, terminal

    def compose(self) -> ComposeResult:
        """Make the places."""
        for side in ("before", "now"):
            with Vertical(id=side):
                yield Picture(self._load, self._images.large, self._terminal)
                if side == "now":
                    yield LivePreview(self._images.small)
                yield Static(markup=False)

    @property
    def max_side(self) -> int:
        """Pixels of a preview's longer side that can be told apart; 0 where pictures are not shown."""
        width, height = self.query_one("#now").size
        looks = self._images.small != "off" and width * height
        return max(LEAST_SIDE, min(MOST_SIDE, max(width, 2 * height))) if looks else 0

    def show(self, before: str, now: str) -> None:
        """Show the pictures of these keys; where there is none before, the one now has all the room."""
        self.query_one("#before").display = bool(before)
        self.query_one("#before Picture", Picture).show(before)
        self.query_one("#now Picture", Picture).show(now)

    def show_live(self, preview: Preview) -> None:
        """Show how far the one now is, until it has `settled`."""
        self.add_class("-live")
        self.query_one(LivePreview).show(preview.rgb, preview.width)

    def settle(self) -> None:
        """Nothing is drawn any more."""
        self.remove_class("-live")
        self.query_one(LivePreview).clear()

    def caption(self, before: str, now: str) -> None:
        """Write what stands below them."""
        self.query_one("#before Static", Static).update(before)
        self.query_one("#now Static", Static).update(now)

    def show_as(self, images: Choice) -> None:
        """Show the pictures in another way."""
        self._images = images
        self.query_one(LivePreview).shown = images.small
        for picture in self.query(Picture):
            picture.show_as(images.large)
