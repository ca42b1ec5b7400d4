"""5 Gallery: look at what was drawn, keep the good takes and deal the bad ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch
from imagineer_tui.model.album import Album
from imagineer_tui.remembering import Memory
from imagineer_tui.soon import Soon
from imagineer_tui.widgets.card_page import CardPage
from imagineer_tui.widgets.deck_rows import DeckRows
from imagineer_tui.widgets.filter_line import FilterLine, filter_of
from imagineer_tui.widgets.gallery_bench import GalleryBench
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.widgets.titles import entitle

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened

BATCHES: Final = 500
"""Decks that are listed; older ones are found by searching."""


class GalleryScreen(Framed):
    """Decks, a page of small pictures, and the one under the cursor large with all that is known of it."""

    NAME = "gallery"
    TITLE = "Gallery"
    HELP = (
        "A deck shows the pick of each card. Enter opens a card with all its takes, a take large; escape goes back. "
        "Tab goes to the list of decks, where / filters it. Among the cards / searches all takes: words, "
        'is:favourite, set:tarot, lora:Ink, label:ram, rating:safe, card:"The Fool".\n\n'
        "L has a take or its deck labelled, e writes the deck into a folder. "
        "x marks takes to compare, up to four; v goes from them to the page and back. What is deleted lies in the "
        "trash, and z brings it back. Takes that were rated not safe for work are blurred until b reveals them.\n\n"
        "★ pick   ♥ favourite   ◌ no picture   ✗ failed\n▒ blurred   × compared   +1 one more take"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", id="gallery.search", key_display="/"),
        Binding("z", "undo", "undo", id="gallery.undo", show=False),
        Binding("e", "export", "export the deck into a folder", id="gallery.export", show=False),
        Binding("v", "large", "large, or the page again", id="gallery.large", show=False),
        Binding("escape", "back", "back", id="gallery.back", show=False),
    ]
    DEFAULT_CSS = """
    GalleryScreen {
        #bench { layout: horizontal; layers: below above; }
        #decks { width: 30; }
        #page { width: 1fr; padding: 0 1; }
        #focus { width: 44; display: none; }
        &.-wide #focus, &.-huge #focus { display: block; }
        &.-huge { #focus { width: 70; } #decks { width: 40; } }
        &.-narrow #bench { layout: vertical; }
        &.-narrow #decks { width: 100%; height: 5; }
        &.-narrow #page { height: 1fr; }
        &.-low TakeFacts { max-height: 6; }
        /* Over the page, which keeps the focus: its keys go through the large pictures. Cards are higher than wide. */
        &.-large #decks, &.-large Thumbnail { visibility: hidden; }  /* or what is below would be painted through it */
        &.-large.-wide #page { margin-right: 44; }  /* the page keeps its size, and so its small pictures */
        &.-large.-huge #page { margin-right: 70; }
        &.-large #focus {
            display: block; layer: above; position: absolute; width: 100%; height: 100%; layout: horizontal;
            TakeFacts {
                width: 40; height: 100%; max-height: 100%; border-top: none; border-left: solid $border-blurred;
            }
        }
        &.-large.-narrow TakeFacts { width: 28; max-width: 50%; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._album = Album()
        self._soon = Soon(self.set_timer)

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Three panels."""
        house = self.house
        yield GalleryBench(self._album, house.drawings, self._load_large, house.images, house.terminal)

    def memory(self) -> Memory:
        """Keep the deck."""
        return {"batch": self._album.batch}

    def recall(self, memory: Memory) -> None:
        """Open it again."""
        self._album.batch = self._album.batch or str(memory.get("batch", ""))

    def arrive(self, intent: object) -> None:
        """Open a deck, at a card where one is named."""
        if isinstance(intent, ShowBatch):
            self._album.open(intent.batch_id, intent.slot)
            self._load_batches()

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
        if self._album.batch not in names and not self._album.wanted:
            self._album.open(page.batches[0].id if page.batches else "")
        entitle(self.query_one("#decks"), "Decks", f"the newest {BATCHES}" if page.before is not None else "")
        self.query_one(DeckRows).show(page.batches, self._album.batch)
        if self._album.batch and not self._album.query:
            self._load_deck()

    @work(group="deck", exclusive=True, exit_on_error=False)
    async def _load_deck(self) -> None:
        detail = await self.asked(self.client.batch(self._album.batch))
        if detail:
            self._album.detail = detail
            if not self._album.query:
                self._show_deck()

    @on(CardPage.SearchEnded)
    def _show_deck(self) -> None:
        self.query_one(GalleryBench).show_deck()

    # ------------------------------------------------------------ what happens

    def on_happened(self, event: Happened) -> None:
        """Follow the open deck, and the list when a deck is new or forgotten."""
        if any(hasattr(event.body, name) for name in ("batch", "batches", "take")):
            self._soon.do("reload", self._reload_shown)

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self.query_one(GalleryBench).show_as(self.house.images)

    def _reload_shown(self) -> None:
        self._load_batches()
        self.query_one(CardPage).search()

    # ------------------------------------------------------------ moving about

    @on(Rows.Highlighted, "#batches")
    def _deck_highlighted(self, event: Rows.Highlighted) -> None:
        if event.key and event.key != self._album.batch:
            self._album.open(event.key)
            if self.world.connection.live:  # else the banner says why it does not come; `reload` asks for it
                self._soon.do("deck", self._load_deck)

    @on(Thumbnails.Opened, "#cards")
    def _opened(self) -> None:
        """A card shows its takes; a take is shown large."""
        card = self.query_one(CardPage).card
        if card and self._album.enter(card):
            self._show_deck()
        elif card:
            self.action_large()

    def action_large(self) -> None:
        """Fill the screen with the picture, or show the page again."""
        bench = self.query_one(GalleryBench)
        bench.look(on=not bench.is_large)

    def action_back(self) -> None:
        """Leave what is shown for what it was opened from."""
        if not self.query_one(GalleryBench).back() and self._album.leave():
            self.query_one(CardPage).end_search()
            self._show_deck()

    def action_search(self) -> None:
        """Open the search line; in the list of decks, the filter below it."""
        self.query_one(GalleryBench).look(on=False)
        decks = self.query_one(DeckRows)
        line = filter_of(decks) if decks.has_focus else self.query_one("#search", FilterLine)
        line.open()

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write the open deck into a folder; among what a search found, that of the take under the cursor."""
        from imagineer_tui.widgets.export_form import export

        card = self.query_one(CardPage).card if self._album.query else None
        await export(self, card.batch if card else self._album.batch)
