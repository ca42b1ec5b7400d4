"""Two to four takes side by side, each with its name below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from imagineer_tui.model.album import MOST_COMPARED
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.drawings import Load
from imagineer_tui.widgets.picture import Picture

if TYPE_CHECKING:
    from imagineer_tui.model.gallery import Card


class Compare(Horizontal):
    """Four places, of which as many are there as takes are compared."""

    DEFAULT_CSS = """
    Compare {
        height: 1fr;
        .place { width: 1fr; height: 1fr; display: none; }
        .place.-used { display: block; }
        .place Static { height: 1; text-align: center; color: $text-muted; }
        .place.-cursor Static { text-style: reverse bold; }
    }
    """

    def __init__(self, load: Load, shown: Shown, terminal: Terminal, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._picture = (load, shown, terminal)

    def compose(self) -> ComposeResult:
        """Make the places."""
        for _ in range(MOST_COMPARED):
            with Vertical(classes="place"):
                yield Picture(*self._picture)
                yield Static(markup=False)

    def show(self, cards: Sequence[Card], revealed: set[int]) -> None:
        """Show the takes of these cards, the first ones where they are more than there are places."""
        for at, place in enumerate(self.query(".place")):
            card = cards[at] if at < len(cards) else None
            place.set_class(card is not None, "-used")
            place.query_one(Picture).show(card.key if card else "", blurred=bool(card and card.is_hidden(revealed)))
            place.query_one(Static).update(_caption(card) if card else "")

    def point_at(self, key: str) -> None:
        """Mark the take that keys act on."""
        for place in self.query(".place"):
            place.set_class(bool(key) and place.query_one(Picture).key == key, "-cursor")

    def show_as(self, shown: Shown) -> None:
        """Show the pictures in another way."""
        for picture in self.query(Picture):
            picture.show_as(shown)


def _caption(card: Card) -> str:
    seed = f"seed {card.take.seed}" if card.take else ""
    star = "★ " if card.pick else ""
    return star + (card.name if card.name == seed else f"{card.name} · {seed}")
