"""The card that is being drawn, as it emerges, and below it those that have landed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical

from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.live_preview import LivePreview
from imagineer_tui.widgets.thumbnail import Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from imagineer_tui.widgets.drawings import Drawings
    from imagineerd.protocol import Preview

LANDED: Final = (8, 6)
"""Columns and rows of a picture that has landed."""
LEAST_SIDE: Final = 16
MOST_SIDE: Final = 96
"""Pixels of a preview's longer side: as many as there are half cells, within reason."""


class LivePanel(Vertical):
    """Two panels. What has landed fills a page, then the next one."""

    DEFAULT_CSS = """
    LivePanel {
        #live { height: 4fr; }
        #landed { height: 3fr; padding: 0 1; }
    }
    """

    def __init__(self, drawings: Drawings, shown: Shown) -> None:
        super().__init__()
        self._drawings = drawings
        self._shown: Shown = shown

    def compose(self) -> ComposeResult:
        """Put both panels."""
        with Vertical(id="live", classes="panel") as live:
            live.border_title = "Live"
            yield LivePreview(self._shown)
        with Vertical(id="landed", classes="panel") as landed:
            landed.border_title = "Landed"
            thumbnails = Thumbnails(self._drawings, self._shown, picture=LANDED)
            thumbnails.can_focus = False
            yield thumbnails

    @property
    def looks(self) -> bool:
        """Say whether there is anything to see of it."""
        return bool(self.display and self.size and self._shown != "off")

    @property
    def max_side(self) -> int:
        """Pixels of a preview's longer side that can be told apart."""
        width, height = self.query_one(LivePreview).size
        return max(LEAST_SIDE, min(MOST_SIDE, max(width, 2 * height)))

    def show(self, preview: Preview, name: str) -> None:
        """Show how far a card is."""
        self.query_one("#live").border_title = f"{name} · step {preview.step}/{preview.steps}"
        self.query_one(LivePreview).show(preview.rgb, preview.width)

    def land(self, takes: Sequence[tuple[str, str]]) -> None:
        """Show these takes by number and name; the newest is the last."""
        thumbs = [Thumb(key, name) for key, name in takes]
        self.query_one(Thumbnails).show(thumbs, len(thumbs) - 1)

    def show_as(self, shown: Shown) -> None:
        """Show pictures another way."""
        self._shown = shown
        self.query_one(LivePreview).shown = shown
        self.query_one(Thumbnails).show_as(shown)
