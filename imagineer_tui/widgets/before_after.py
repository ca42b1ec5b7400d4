"""Two auditions side by side: the one before and the one that is heard now."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.drawings import Load
from imagineer_tui.widgets.picture import Picture


class BeforeAfter(Horizontal):
    """Two places, each with a line of text below its picture."""

    DEFAULT_CSS = """
    BeforeAfter {
        height: 1fr;
        Vertical { width: 1fr; height: 1fr; }
        Static { height: 1; text-align: center; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(self, load: Load, shown: Shown, terminal: Terminal) -> None:
        super().__init__()
        self._picture = (load, shown, terminal)

    def compose(self) -> ComposeResult:
        """Make the places."""
        for side in ("before", "now"):
            with Vertical(id=side):
                yield Picture(*self._picture)
                yield Static(markup=False)

    def show(self, before: str, now: str) -> None:
        """Show the pictures of these keys; none where one is empty."""
        self.query_one("#before Picture", Picture).show(before)
        self.query_one("#now Picture", Picture).show(now)

    def caption(self, before: str, now: str) -> None:
        """Write what stands below them."""
        self.query_one("#before Static", Static).update(before)
        self.query_one("#now Static", Static).update(now)

    def show_as(self, shown: Shown) -> None:
        """Show the pictures in another way."""
        for picture in self.query(Picture):
            picture.show_as(shown)
