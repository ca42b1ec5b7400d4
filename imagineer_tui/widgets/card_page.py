"""A page of cards, the search, and the keys that keep the one under the cursor, throw it away, or look at it closer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from imagineer_tui import card_orders
from imagineer_tui.intents import LabelTake, UseSettings
from imagineer_tui.soon import Soon
from imagineer_tui.widgets.filter_line import FilterLine
from imagineer_tui.widgets.thumbnail import FAILED, FAVOURITE, MISSING, PICK, Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.widgets.titles import entitle
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.album import Album
    from imagineer_tui.model.gallery import Card
    from imagineer_tui.terminal.images import Shown
    from imagineer_tui.widgets.drawings import Drawings
    from imagineerd.protocol import ListedTake

COMPARED: Final = "×"
FOUND: Final = 200
"""Takes that a search shows."""
NOTHING_FOUND: Final = "Nothing matches; escape goes back to the deck."


class CardPage(Vertical):
    """Shows an `Album`: the deck that the screen puts there, or what is searched for here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "pick", id="gallery.pick"),
        Binding("r", "reroll", "re-roll", id="gallery.reroll"),
        Binding("f", "favourite", "favourite", id="gallery.favourite"),
        Binding("d,delete", "delete", "delete", id="gallery.delete", key_display="d"),
        Binding("x", "compare", "compare", id="gallery.compare"),
        Binding("b", "reveal", "reveal, or blur again", id="gallery.reveal", show=False),
        Binding("L", "label", "have it labelled, or its deck", id="gallery.label", show=False),
        Binding("u", "use", "use these settings", id="gallery.use", show=False),
        Binding("y", "copy('prompt')", "copy the prompt", id="gallery.copy_prompt", show=False),
        Binding("Y", "copy('command')", "copy the command that draws it", id="gallery.copy_command", show=False),
        Binding("s", "copy('seed')", "copy the seed", id="gallery.copy_seed", show=False),
        Binding("p", "copy('path')", "copy the path", id="gallery.copy_path", show=False),
    ]

    DEFAULT_CSS = """
    CardPage #told { display: none; height: auto; padding: 0 1; color: $text-muted; }
    """

    class Marked(Message):
        """What is revealed or compared changed."""

    class SearchEnded(Message):
        """Nothing is looked for any more."""

    class Emptied(Message):
        """There is no card to show."""

    def __init__(
        self,
        album: Album,
        drawings: Drawings,
        shown: Shown,
        cell: tuple[int, int],
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id, classes="panel")
        self._album = album
        self._drawn = (drawings, shown, cell)
        self._note = ""
        self._soon = Soon(self.set_timer)

    def compose(self) -> ComposeResult:
        """Put the line to search with above the cards."""
        yield FilterLine(id="search")
        yield Static(id="told", markup=False)
        yield Thumbnails(*self._drawn, id="cards")

    def on_mount(self) -> None:
        """Say what can be searched for."""
        self.query_one(FilterLine).placeholder = "search: words, is:favourite, set:tarot, lora:Ink"

    @property
    def framed(self) -> Framed:
        """The screen."""
        return cast("Framed", self.screen)

    @property
    def card(self) -> Card | None:
        """The card under the cursor."""
        at, cards = self.query_one(Thumbnails).cursor, self._album.cards
        return cards[at] if at < len(cards) else None

    def show(self, note: str, told: str = "") -> None:
        """Show what the album holds now, with the cursor where it is wanted; `told` stands where there is nothing."""
        self._note = note
        self.query_one("#told", Static).update(told)
        self.query_one("#told").display = bool(told)
        self._draw(self._album.place(self.card))
        self._entitle()
        if not self._album.cards:
            self.post_message(self.Emptied())

    def show_marks(self) -> None:
        """Show the same cards with other marks."""
        self._draw(self.query_one(Thumbnails).cursor)

    def _draw(self, cursor: int) -> None:
        self.query_one(Thumbnails).show([thumb_of(card, self._album) for card in self._album.cards], cursor)

    @on(Thumbnails.Highlighted)
    @on(Thumbnails.Fitted)
    def _entitle(self) -> None:
        """Say what is open, and which page of it this is."""
        page, pages = self.query_one(Thumbnails).page
        place = f"page {page} of {pages}" if pages > 1 else ""
        entitle(self, self._album.title, " · ".join(filter(None, [place, self._note])))

    # ------------------------------------------------------------ searching

    def end_search(self) -> None:
        """Look for nothing any more."""
        self.query_one(FilterLine).close()

    @on(FilterLine.Filtered)
    def _typed(self, event: FilterLine.Filtered) -> None:
        self._album.query = event.words.strip()
        if self._album.query:
            self._soon.do("search", self.search)
        else:
            self.post_message(self.SearchEnded())

    @work(group="search", exclusive=True, exit_on_error=False)
    async def search(self) -> None:
        """Look for the album's query, if there is one."""
        from imagineerd.errors import ImagineerError

        if not (query := self._album.query):
            return
        try:
            page = await self.framed.client.search(query, FOUND)
        except ImagineerError as error:
            self._show_found((), "", error.message)
            return
        if query == self._album.query:  # it was not given up, nor was more typed
            more = f"the newest {FOUND}" if page.before else number_of(len(page.takes), "take")
            self._show_found(page.takes, f"{more} · ", "" if page.takes else NOTHING_FOUND)

    def _show_found(self, takes: Sequence[ListedTake], count: str, told: str) -> None:
        self._album.lay_out_found(takes)
        self.show(f"{count}esc back to the deck", told)

    @on(FilterLine.Left)
    def _typed_all(self) -> None:
        self.query_one(Thumbnails).focus()

    # ------------------------------------------------------------ keeping and throwing away

    @work(group="curate", exit_on_error=False)
    async def action_pick(self) -> None:
        """Let this take count for its card."""
        if (card := self._taken()) and card.take:
            await card_orders.pick(self.framed, self._album, card, card.take)

    @work(group="curate", exit_on_error=False)
    async def action_reroll(self) -> None:
        """Deal this card once more."""
        if card := self.card:
            await card_orders.reroll(self.framed, card)

    @work(group="curate", exit_on_error=False)
    async def action_favourite(self) -> None:
        """Mark the take as a favourite, or take that back."""
        if (card := self._taken()) and card.take:
            await card_orders.favourite(self.framed, card.take)

    @work(group="curate", exit_on_error=False)
    async def action_delete(self) -> None:
        """Put the take into the trash."""
        if (card := self._taken()) and card.take:
            await card_orders.delete(self.framed, card.take)

    def _taken(self) -> Card | None:
        """Return the card under the cursor, if it has a picture; else say that it has none."""
        card = self.card
        if card and card.take is None:
            self.notify(f"{card.name} has no picture yet.")
            return None
        return card

    # ------------------------------------------------------------ looking closer

    def action_reveal(self) -> None:
        """Show a blurred take, or blur it again."""
        if (card := self.card) and card.take:
            self._album.reveal(card.take.id)
            self.post_message(self.Marked())

    def action_compare(self) -> None:
        """Put the take beside the others that were marked, or take it out."""
        if card := self._taken():
            self._album.compare(card)
            self.post_message(self.Marked())

    def action_label(self) -> None:
        """Ask what is to be labelled: this take, or more of its deck."""
        if (card := self._taken()) and card.take:
            self.framed.house.go("labels", LabelTake(card.batch, card.take.id))

    def action_use(self) -> None:
        """Compose with what this take was drawn with."""
        if (card := self._taken()) and card.take:
            self.framed.house.go("compose", UseSettings(card.take.id))

    @work(group="copy", exit_on_error=False)
    async def action_copy(self, what: str) -> None:
        """Send something of the take to the clipboard."""
        if (card := self._taken()) and card.take:
            await card_orders.copy(self.framed, card.take, what)


def thumb_of(card: Card, album: Album) -> Thumb:
    """Return what a cell shows of a card. Which take is the pick matters only among takes; in a deck all are."""
    marks = PICK if card.pick and album.among_takes else ""
    if card.take and card.take.favourite:
        marks += FAVOURITE
    if card.take is None:
        marks += FAILED if card.state == "failed" else MISSING
    marks += COMPARED if album.is_compared(card) else ""
    more = "" if album.among_takes or card.takes <= 1 else f"+{card.takes - 1}"
    return Thumb(card.key, card.name, marks, album.is_hidden(card), more)
