"""5 Gallery: look at what was drawn, keep the good takes and deal the bad ones again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, UseSettings
from imagineer_tui.model import gallery
from imagineer_tui.model.gallery import Card
from imagineer_tui.remembering import Memory
from imagineer_tui.terminal.images import following
from imagineer_tui.widgets.compare import MOST, Compare
from imagineer_tui.widgets.deck_rows import DeckRows
from imagineer_tui.widgets.drawings import Drawings
from imagineer_tui.widgets.filter_line import FilterLine
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.take_facts import TakeFacts
from imagineer_tui.widgets.thumbnail import FAILED, FAVOURITE, MISSING, PICK, Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened
    from imagineerd.protocol import Batch, BatchDetail, TakeDetail

BATCHES: Final = 500
"""Decks that are listed; older ones are found by searching."""
FOUND: Final = 200
"""Takes that a search shows."""
SOON_S: Final = 0.3
"""Seconds that events, or keys that are held down, are waited out before the daemon is asked."""
COMPARED: Final = "×"
FEWEST: Final = 2
"""Takes that can be compared."""


class GalleryScreen(Framed):
    """Decks, a page of small pictures, and the one under the cursor large with all that is known of it."""

    NAME = "gallery"
    TITLE = "Gallery"
    HELP = (
        "A deck shows the pick of each card. Enter opens a card with all its takes, a take large; escape goes back. "
        "Tab goes to the list of decks, / searches all takes: words, is:favourite, set:tarot, lora:Ink, "
        'card:"The Fool".\n\n'
        "x marks takes to compare, up to four. What is deleted lies in the trash, and z brings it back. Takes that "
        "were rated not safe for work are blurred until b reveals them.\n\n"
        "★ pick   ♥ favourite   ◌ not drawn yet   ✗ failed   ▒ blurred   × compared"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "pick", id="gallery.pick"),
        Binding("r", "reroll", "re-roll", id="gallery.reroll"),
        Binding("f", "favourite", "favourite", id="gallery.favourite"),
        Binding("d,delete", "delete", "delete", id="gallery.delete", key_display="d"),
        Binding("x", "compare", "compare", id="gallery.compare"),
        Binding("slash", "search", "search", id="gallery.search", key_display="/"),
        Binding("z", "undo", "undo", id="gallery.undo", show=False),
        Binding("b", "reveal", "reveal, or blur again", id="gallery.reveal", show=False),
        Binding("v", "large", "large, or the page again", id="gallery.large", show=False),
        Binding("u", "use", "use these settings", id="gallery.use", show=False),
        Binding("y", "copy('prompt')", "copy the prompt", id="gallery.copy_prompt", show=False),
        Binding("Y", "copy('command')", "copy the command that draws it", id="gallery.copy_command", show=False),
        Binding("s", "copy('seed')", "copy the seed", id="gallery.copy_seed", show=False),
        Binding("p", "copy('path')", "copy the path", id="gallery.copy_path", show=False),
        Binding("i", "images", "other kind of images", id="gallery.images", show=False),
        Binding("escape", "back", "back", id="gallery.back", show=False),
    ]
    DEFAULT_CSS = """
    GalleryScreen {
        #body { layout: horizontal; }
        #decks { width: 30; }
        #page { width: 1fr; padding: 0 1; }
        #focus { width: 44; display: none; }
        &.-wide #focus { display: block; }
        &.-huge { #focus { width: 70; } #decks { width: 40; } }
        &.-narrow #decks { display: none; &:focus-within { display: block; width: 1fr; } }
        &.-low TakeFacts { max-height: 6; }
        Compare { display: none; }
        &.-large { #decks, #page { display: none; } #focus { display: block; width: 1fr; } }
        &.-comparing { Compare { display: block; } #one { display: none; } TakeFacts { display: none; } }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._batch = ""
        self._detail: BatchDetail | None = None
        self._slot = 0
        self._query = ""
        self._cards: list[Card] = []
        self._wanted: Card | None = None
        self._about: TakeDetail | None = None
        self._revealed: set[int] = set()
        self._compared: list[Card] = []
        self._soon: dict[str, Timer] = {}

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Three panels."""
        images, terminal = self.house.images, self.house.terminal
        with Vertical(id="decks", classes="panel") as decks:
            decks.border_title = "Decks"
            yield DeckRows(id="batches")
        with Vertical(id="page", classes="panel"):
            yield FilterLine(id="search")
            yield Thumbnails(Drawings(self._load_small, dark=terminal.dark), images.small, terminal.cell, id="cards")
        with Vertical(id="focus", classes="panel"):
            with Horizontal(id="one"):
                yield Picture(self._load_large, images.large, terminal)
            yield Compare(self._load_large, images.large, terminal)
            yield TakeFacts()

    def on_mount(self) -> None:
        """Begin among the cards."""
        self.query_one(FilterLine).placeholder = "search: words, is:favourite, set:tarot, lora:Ink"
        self.query_one(Thumbnails).focus()

    def memory(self) -> Memory:
        """Keep the deck."""
        return {"batch": self._batch}

    def recall(self, memory: Memory) -> None:
        """Open it again."""
        self._batch = self._batch or str(memory.get("batch", ""))

    def arrive(self, intent: object) -> None:
        """Open a deck, at a card where one is named."""
        if isinstance(intent, ShowBatch):
            self._wanted = Card("", intent.batch_id, intent.slot)
            self._open(intent.batch_id)
            self._load_batches()

    async def _load_small(self, key: str) -> bytes:
        return await self.client.picture(int(key), "thumb")

    async def _load_large(self, key: str) -> bytes:
        return await self.client.picture(int(key))

    # ------------------------------------------------------------ what there is to see

    def reload(self) -> None:
        """Ask for the decks, and for the open one."""
        self._load_batches()

    @work(group="batches", exclusive=True, exit_on_error=False)
    async def _load_batches(self) -> None:
        page = await self.asked(self.client.batches(BATCHES))
        if page is None:
            return
        names = {batch.id for batch in page.batches}
        if self._batch not in names and not self._wanted:
            self._batch = page.batches[0].id if page.batches else ""
        self.query_one(DeckRows).show(page.batches, self._batch)
        if self._batch and not self._query:
            self._load_deck()

    def _open(self, batch: str) -> None:
        """Show a deck, whatever was shown."""
        self._batch, self._slot, self._query = batch, 0, ""
        self._load_deck()

    @work(group="cards", exclusive=True, exit_on_error=False)
    async def _load_deck(self) -> None:
        self._detail = await self.asked(self.client.batch(self._batch))
        self._show_deck()

    def _show_deck(self) -> None:
        """Show the deck, or one of its slots."""
        if self._detail is None:
            return
        cards = gallery.takes_of(self._detail, self._slot) if self._slot else gallery.deck(self._detail)
        batch = self._detail.batch
        name = next((slot.name for slot in self._detail.slots if slot.index == self._slot), "")
        self._show(cards, title_of(batch, name), "esc back to the deck" if name else deck_note(batch))

    @work(group="cards", exclusive=True, exit_on_error=False)
    async def _search(self) -> None:
        from imagineerd.errors import ImagineerError

        try:
            page = await self.client.search(self._query, FOUND)
        except ImagineerError as error:
            self.query_one("#page").border_subtitle = error.message
            return
        more = f"the newest {FOUND}" if page.before else number_of(len(page.takes), "take")
        self._show(gallery.found(page), f"Search “{self._query}”", f"{more} · esc back to the deck")

    def _show(self, cards: list[Card], title: str, note: str) -> None:
        page, panel = self.query_one(Thumbnails), self.query_one("#page")
        wanted, self._wanted = self._wanted or self._card, None
        self._cards = cards
        panel.border_title, panel.border_subtitle = title, note
        page.show([self._thumb(card) for card in cards], gallery.place_of(cards, wanted))
        if not cards:
            self._show_nothing()

    def _thumb(self, card: Card) -> Thumb:
        blurred = card.is_hidden(self._revealed)
        return Thumb(card.key, card.name, marks_of(card, self._slot or self._query, self._compared), blurred)

    def _redraw(self) -> None:
        """Show the same cards with other marks."""
        page = self.query_one(Thumbnails)
        page.show([self._thumb(card) for card in self._cards], page.cursor)

    @property
    def _card(self) -> Card | None:
        at = self.query_one(Thumbnails).cursor
        return self._cards[at] if at < len(self._cards) else None

    # ------------------------------------------------------------ the take under the cursor

    @on(Thumbnails.Highlighted, "#cards")
    def _highlighted(self) -> None:
        card = self._card
        if card is None:
            return
        self.query_one("#one Picture", Picture).show(card.key, blurred=card.is_hidden(self._revealed))
        self._about = None
        if card.take is None:
            self.query_one(TakeFacts).show_missing(card, self._error_of(card))
        else:
            self._later("about", self._load_about)

    def _error_of(self, card: Card) -> str:
        slots = self._detail.slots if self._detail else ()
        return next((slot.error.message for slot in slots if slot.index == card.slot and slot.error), "")

    @work(group="about", exclusive=True, exit_on_error=False)
    async def _load_about(self) -> None:
        card = self._card
        if card is None or card.take is None:
            return
        about = await self.asked(self.client.take(card.take.id))
        if about and card == self._card:
            self._about = about
            self.query_one(TakeFacts).show_take(about)

    def _show_nothing(self) -> None:
        self.query_one("#one Picture", Picture).show("")
        self.query_one(TakeFacts).clear()

    # ------------------------------------------------------------ what happens

    def on_happened(self, event: Happened) -> None:
        """Follow the open deck, and the list when a deck is new."""
        if getattr(event.body, "batch", "") or hasattr(event.body, "take"):
            self._later("reload", self._reload_shown)

    def _reload_shown(self) -> None:
        self._load_batches()
        if self._query:
            self._search()

    def _later(self, what: str, do: Callable[[], object]) -> None:
        """Do something once, soon, however often it is asked for meanwhile."""
        if timer := self._soon.get(what):
            timer.stop()
        self._soon[what] = self.set_timer(SOON_S, do)

    # ------------------------------------------------------------ moving about

    @on(Rows.Highlighted, "#batches")
    def _deck_highlighted(self, event: Rows.Highlighted) -> None:
        if event.key and event.key != self._batch:
            self._batch, self._slot, self._query = event.key, 0, ""
            self._later("deck", self._load_deck)

    @on(Thumbnails.Opened, "#cards")
    def _opened(self) -> None:
        """A card shows its takes; a take is shown large."""
        card = self._card
        if card is None:
            return
        if self._slot or self._query or card.takes < FEWEST:
            self.action_large()
        else:
            self._slot = card.slot
            self._show_deck()

    def action_large(self) -> None:
        """Fill the screen with the picture, or show the page again."""
        self.toggle_class("-large")

    def action_back(self) -> None:
        """Leave what is shown for what it was opened from."""
        if self.has_class("-large") and not self._compared:
            self.remove_class("-large")
        elif self._compared:
            self._compare([])
        elif self._slot or self._query:
            self.query_one(FilterLine).value = ""
            self._slot, self._query = 0, ""
            self._show_deck()

    def action_search(self) -> None:
        """Open the search line."""
        self.query_one(FilterLine).open()

    @on(FilterLine.Filtered)
    def _typed(self, event: FilterLine.Filtered) -> None:
        self._query = event.words.strip()
        if self._query:
            self._later("search", self._search)
        else:
            self._show_deck()

    @on(FilterLine.Left)
    def _searched(self) -> None:
        self.query_one(Thumbnails).focus()

    def action_images(self) -> None:
        """Show pictures in the next way there is."""
        thumbnails, picture = self.query_one(Thumbnails), self.query_one("#one Picture", Picture)
        shown = following(picture.shown)
        picture.show_as(shown)
        self.query_one(Compare).show_as(shown)
        thumbnails.show_as("half" if shown in {"kitty", "sixel"} else shown)
        self.notify(f"Images: {shown}.")

    # ------------------------------------------------------------ keeping and throwing away

    @work(group="curate", exit_on_error=False)
    async def action_pick(self) -> None:
        """Let this take count for its card."""
        if (card := self._taken()) is None or card.take is None:
            return
        before = self._picked(card)
        if await self.asked(self.client.pick(card.take.id)) and before not in {None, card.take.id}:
            self.did("Picked", lambda: self.client.pick(before or 0))

    def _picked(self, card: Card) -> int | None:
        slots = self._detail.slots if self._detail and self._detail.batch.id == card.batch else ()
        return next((slot.pick for slot in slots if slot.index == card.slot), None)

    @work(group="curate", exit_on_error=False)
    async def action_reroll(self) -> None:
        """Deal this card once more."""
        if (card := self._card) is None:
            return
        dealt = await self.asked(self.client.reroll(card.batch, [card.slot]))
        if dealt:
            self.did("Another take is on its way", lambda: self.client.cancel(dealt.jobs))

    @work(group="curate", exit_on_error=False)
    async def action_favourite(self) -> None:
        """Mark the take as a favourite, or take that back."""
        card = self._taken()
        if card and card.take:
            await self.asked(self.client.favourite([card.take.id], on=not card.take.favourite))

    @work(group="curate", exit_on_error=False)
    async def action_delete(self) -> None:
        """Put the take into the trash."""
        if (card := self._taken()) is None or card.take is None:
            return
        gone = [card.take.id]
        if await self.asked(self.client.delete(gone)):
            self.did("Deleted a take", lambda: self.client.restore(gone))

    def _taken(self) -> Card | None:
        """Return the card under the cursor, if it has a picture; else say that it has none."""
        card = self._card
        if card and card.take is None:
            self.notify(f"{card.name} has no picture yet.")
            return None
        return card

    # ------------------------------------------------------------ looking closer

    def action_reveal(self) -> None:
        """Show a blurred take, or blur it again."""
        if (card := self._card) and card.take:
            self._revealed ^= {card.take.id}
            self._redraw()

    def action_compare(self) -> None:
        """Put the take beside the others that were marked, or take it out."""
        card = self._taken()
        if card is None:
            return
        without = [other for other in self._compared if other.key != card.key]
        self._compare(without if len(without) < len(self._compared) else [*without, card][-MOST:])

    def _compare(self, cards: list[Card]) -> None:
        self._compared = cards
        several = len(cards) >= FEWEST
        self.query_one(Compare).show(cards if several else [], self._revealed)
        self.set_class(several, "-comparing")
        self.set_class(several and not self.has_class("-wide"), "-large")
        self._redraw()

    def action_use(self) -> None:
        """Compose with what this take was drawn with."""
        if (card := self._taken()) and card.take:
            self.house.go("compose", UseSettings(card.take.id))

    def action_copy(self, what: str) -> None:
        """Send something of the take to the clipboard."""
        if self._about is None:
            return
        spec, take = self._about.spec, self._about.about.take
        texts = {
            "prompt": spec.prompt,
            "seed": str(take.seed),
            "path": f"{self._about.folder}/{take.file}",
            "command": gallery.command_of(self._about),
        }
        self.house.copy(texts[what], f"the {what}")


def title_of(batch: Batch, card: str) -> str:
    """Return what stands above the page."""
    theme = f" “{batch.theme}”" if batch.theme else ""
    return f"{batch.title}{theme}" + (f" › {card}" if card else "")


def deck_note(batch: Batch) -> str:
    """Return what stands below it: how much of the deck is there."""
    missing = batch.slots - batch.states.get("done", 0)
    return f"{number_of(batch.takes, 'take')}" + (f" · {missing} not drawn yet" if missing else "")


def marks_of(card: Card, among_takes: int | str, compared: list[Card]) -> str:
    """Return the marks of a card. Which take is the pick matters only among takes; in a deck all are."""
    marks = PICK if card.pick and among_takes else ""
    if card.take and card.take.favourite:
        marks += FAVOURITE
    if card.take is None:
        marks += FAILED if card.state == "failed" else MISSING
    return marks + (COMPARED if card.key and card.key in {other.key for other in compared} else "")
