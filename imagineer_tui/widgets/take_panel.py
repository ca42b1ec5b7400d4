"""The take under the cursor: large, or beside others that it is compared with, and all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.message import Message

from imagineer_tui.soon import Soon
from imagineer_tui.widgets.compare import Compare
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.take_facts import TakeFacts

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.gallery import Card
    from imagineer_tui.terminal.detection import Terminal
    from imagineer_tui.terminal.images import Shown
    from imagineer_tui.widgets.drawings import Load


class TakePanel(Vertical):
    """Shows the card that it is given, and asks the daemon what is known of its take."""

    DEFAULT_CSS = """
    TakePanel {
        Compare { display: none; }
        &.-comparing { Compare { display: block; } #one, TakeFacts { display: none; } }
    }
    """

    class Pressed(Message):
        """The picture of a take was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Rolled(Message):
        """The wheel was turned over the picture: `by` is 1 down, -1 up."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, load: Load, shown: Shown, terminal: Terminal, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self._picture = (load, shown, terminal)
        self._card: Card | None = None
        self._soon = Soon(self.set_timer)

    def compose(self) -> ComposeResult:
        """Put the picture, those beside each other, and the facts."""
        with Horizontal(id="one"):
            yield Picture(*self._picture)
        yield Compare(*self._picture)
        yield TakeFacts()

    def on_click(self, event: Click) -> None:
        """Tell of a click on a picture; text may be clicked to be marked."""
        if isinstance(event.widget, Picture):
            self.post_message(self.Pressed(event.widget.key))

    def on_mouse_scroll_down(self) -> None:
        """Tell of the wheel, where nothing below scrolled."""
        self.post_message(self.Rolled(1))

    def on_mouse_scroll_up(self) -> None:
        """Tell of the wheel."""
        self.post_message(self.Rolled(-1))

    @property
    def picture(self) -> Picture:
        """The large picture."""
        return self.query_one("#one Picture", Picture)

    def show(self, card: Card, error: str, *, blurred: bool) -> None:
        """Show a card's picture; where it has none, why."""
        self._card = card
        self.picture.show(card.key, blurred=blurred)
        self.query_one(Compare).point_at(card.key)
        if card.take is None:
            self.query_one(TakeFacts).show_missing(card, error)
        else:
            self._soon.do("about", self._load_about)

    @work(group="about", exclusive=True, exit_on_error=False)
    async def _load_about(self) -> None:
        card, framed = self._card, cast("Framed", self.screen)
        if card is None or card.take is None or not framed.world.connection.live:  # it is shown again when it is back
            return
        about = await framed.asked(framed.client.take(card.take.id))
        if about and card == self._card:
            self.query_one(TakeFacts).show_take(about)

    def clear(self) -> None:
        """Show nothing."""
        self._card = None
        self.picture.show("")
        self.query_one(TakeFacts).clear()

    @property
    def compares(self) -> bool:
        """Whether takes stand side by side."""
        return self.has_class("-comparing")

    def compare(self, cards: Sequence[Card], revealed: set[int]) -> None:
        """Show these takes side by side; none ends it."""
        self.query_one(Compare).show(cards, revealed)
        self.query_one(Compare).point_at(self._card.key if self._card else "")
        self.set_class(bool(cards), "-comparing")

    def show_as(self, shown: Shown) -> None:
        """Show pictures another way."""
        self.picture.show_as(shown)
        self.query_one(Compare).show_as(shown)
