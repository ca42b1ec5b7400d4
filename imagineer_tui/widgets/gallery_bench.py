"""Decks, a page of cards and the large picture beside each other, and what of them fills the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from imagineer_tui.widgets.card_page import CardPage, thumb_of
from imagineer_tui.widgets.deck_rows import DeckRows
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.take_panel import TakePanel
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.widgets.titles import entitle

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.album import Album
    from imagineer_tui.terminal.detection import Terminal
    from imagineer_tui.terminal.images import Choice
    from imagineer_tui.widgets.drawings import Drawings, Load

COMPARING: Final = "←→ goes · space picks · v adds more · esc ends"


class GalleryBench(Container):
    """Shows an `Album` that the screen fills. Where something is large, the screen has the class `-large`."""

    def __init__(self, album: Album, drawings: Drawings, load: Load, images: Choice, terminal: Terminal) -> None:
        super().__init__(id="bench")
        self._album = album
        self._drawings = drawings
        self._load = load
        self._images = images
        self._terminal = terminal

    def compose(self) -> ComposeResult:
        """Put the decks on the left, what is large on the right."""
        with Vertical(id="decks", classes="panel") as decks:
            decks.border_title = "Decks"
            yield DeckRows(id="batches")
        yield CardPage(self._album, self._drawings, self._images.small, self._terminal.cell, id="page")
        yield TakePanel(self._load, self._images.large, self._terminal, id="focus")

    def on_mount(self) -> None:
        """Begin among the cards."""
        self._cards.focus()

    @property
    def _cards(self) -> Thumbnails:
        return self.query_one(Thumbnails)

    @property
    def _panel(self) -> TakePanel:
        return self.query_one(TakePanel)

    def show_deck(self) -> None:
        """Show the album's deck, or its open card."""
        self._album.lay_out()
        self.query_one(CardPage).show(self._album.note)
        if self._panel.compares:
            self._show_compared()

    def show_as(self, images: Choice) -> None:
        """Show pictures another way."""
        self._panel.show_as(images.large)
        self._cards.show_as(images.small)

    # ------------------------------------------------------------ the take under the cursor

    @on(Thumbnails.Highlighted, "#cards")
    def _highlighted(self) -> None:
        if card := self.query_one(CardPage).card:
            self._panel.show(card, self._album.error_of(card), blurred=self._album.is_hidden(card))
            self._entitle()

    @on(CardPage.Emptied)
    def _emptied(self) -> None:
        self._panel.clear()

    @on(CardPage.Marked)
    def _marked(self) -> None:
        """Show what is revealed, and what is compared."""
        if self._album.comparing or self._panel.compares:
            self._show_compared()
        self.query_one(CardPage).show_marks()

    def _show_compared(self) -> None:
        """Put what is compared side by side; a screen that is not wide has room for nothing else."""
        album = self._album
        self._panel.compare(album.compared if album.comparing else [], album.revealed)
        self.look(on=album.comparing and (self.is_large or not self._framed.is_wide))

    # ------------------------------------------------------------ what fills the screen

    @property
    def _framed(self) -> Framed:
        return cast("Framed", self.screen)

    @property
    def is_large(self) -> bool:
        """Whether something covers the decks and the page."""
        return self.screen.has_class("-large")

    def look(self, *, on: bool) -> None:
        """Fill the screen with what is large, or show the page again. Keys act on nothing that cannot be seen."""
        self.screen.set_class(on, "-large")
        self._cards.go_along(self._album.places if on else None)
        if on:
            self._cards.focus()
        self._entitle()

    def _entitle(self) -> None:
        """Say which one is large and how many there are: the page that does cannot be seen then."""
        card, album = self.query_one(CardPage).card, self._album
        if not self.is_large or card is None:
            entitle(self._panel, "")
        elif album.comparing:
            entitle(self._panel, f"{len(album.compared)} takes", COMPARING)
        else:
            place = f"{self._cards.cursor + 1} of {len(album.cards)}"
            entitle(self._panel, thumb_of(card, album).caption, place)

    def back(self) -> bool:
        """Compare nothing any more, or show the page again; say whether there was something to leave."""
        if self._album.compared:
            self._album.compared = []
            self._marked()
            return True
        was = self.is_large
        self.look(on=False)
        return was

    # ------------------------------------------------------------ the mouse

    @on(Rows.Opened, "#batches")
    def _to_the_cards(self) -> None:
        self._cards.focus()

    @on(TakePanel.Pressed)
    def _pressed(self, event: TakePanel.Pressed) -> None:
        """Go to a take that is compared; a picture that the cursor is on fills the screen, or does not any more."""
        cards = self._cards
        at = next((at for at in self._album.places() if cards.thumbs[at].key == event.key), cards.cursor)
        if at == cards.cursor:
            self.look(on=not self.is_large)
        cards.cursor = at

    @on(TakePanel.Rolled)
    def _rolled(self, event: TakePanel.Rolled) -> None:
        """The wheel over the large picture goes through them."""
        self._cards.action_move(event.by, 0)
