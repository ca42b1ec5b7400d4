"""6 Labels: what is said of the pictures; have it said, read it, correct it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from imagineer_tui import label_orders
from imagineer_tui.framed import Framed
from imagineer_tui.intents import LabelTake
from imagineer_tui.model import labeling, labels
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.filter_line import FilterLine, ListFilter
from imagineer_tui.widgets.label_batches import LabelBatches
from imagineer_tui.widgets.label_desk import LabelDesk
from imagineer_tui.widgets.label_notice import LabelNotice
from imagineer_tui.widgets.rows import Rows

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened
    from imagineerd.jobs import Job
    from imagineerd.protocol import Batch, BatchDetail

BATCHES: Final = 500
"""Batches that are listed."""
FAILURES: Final = 500
"""Failed and held jobs of earlier times that are asked for."""
SOON_S: Final = 0.25
LOAD_S: Final = 1.0
"""Seconds that keys which are held down, or events, are waited out before all is drawn, or asked for, anew."""

TYPED_OVER: Final = {"label", "stop", "undo", "filter"}
"""Keys of this screen that are letters where a label is written."""


class LabelsScreen(Framed):
    """Batches on the left, the takes of one, and the take under the cursor with all that is said of it."""

    NAME = "labels"
    TITLE = "Labels"
    HELP = (
        "A label is a caption, a rating and tags of a take. L has pictures labelled: this take, what has no label, or "
        "all once more. c stops what has not come to its end. The line on top says how the labeler is, and what it "
        "lacks; B builds its container image.\n\n"
        "Enter corrects a label by hand. What the labeler said stays: r lets that count again, H has all that was ever "
        "said, and z takes back what you did last. Takes rated adult or explicit are blurred until b reveals them.\n\n"
        "✓ labelled   ▶ with the labeler   · waits   ◌ held   ✗ failed   ▒ blurred"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "focus_on('takes')", "to the takes", id="labels.enter", show=False),
        Binding("L", "label", "label", id="labels.label"),
        Binding("c", "stop", "stop", id="labels.stop"),
        Binding("z", "undo", "undo", id="labels.undo"),
        Binding("slash", "filter", "filter", id="labels.filter", key_display="/"),
        Binding("v", "large", "large, or the list again", id="labels.large", show=False),
        Binding("B", "build", "build the labeler's image", id="labels.build", show=False),
        Binding("Y", "copy_export", "copy the command that exports", id="labels.copy_export", show=False),
        Binding("h,left", "focus_on('batches')", "to the batches", id="labels.left", show=False),
        Binding("l,right", "focus_on('takes')", "to the takes", id="labels.right", show=False),
        Binding("escape", "back", "back", id="labels.back", show=False),
    ]
    DEFAULT_CSS = """
    LabelsScreen {
        #columns { height: 1fr; }
        #decks { width: 28; }
        #desk { width: 1fr; }
        #list { height: 1fr; }
        #take { layout: horizontal; height: 9; }
        #take Picture { width: 12; }
        #take #said { width: 1fr; height: 1fr; }
        &.-high #take { height: 19; Picture { width: 26; } }
        &.-normal.-editing #decks, &.-narrow.-editing #decks { display: none; }
        &.-normal.-editing #take, &.-narrow.-editing #take { height: 13; Picture { width: 16; } }
        &.-wide, &.-huge {
            #decks { width: 26; }
            #desk { layout: horizontal; }
            #list { width: 1fr; height: 100%; }
            #take { layout: vertical; width: 40; height: 100%; Picture { width: 100%; height: 1fr; } }
            #take #said { width: 100%; height: auto; max-height: 50%; border-top: solid $border-blurred; }
            #take #form { height: auto; border-top: solid $border-blurred; }
        }
        &.-huge { #decks { width: 36; } #take { width: 60; } }
        &.-narrow #decks { display: none; &:focus-within { display: block; width: 100%; } }
        /* Over the list, which keeps the focus: its keys go through the large pictures. */
        &.-large #decks { display: none; }
        &.-large #desk { layers: below above; }
        &.-large #take { layer: above; position: absolute; width: 100%; height: 100%; Picture { width: 1fr; } }
        &.-large.-normal #take #said, &.-large.-narrow #take #said { width: 32; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._batch = self._take = self._prompt = self._words = ""
        self._wanted = ("", "")
        self._asking = ""
        self._batches: tuple[Batch, ...] = ()
        self._detail: BatchDetail | None = None
        self._failures: tuple[Job, ...] = ()
        self._loading = False
        self._soon: dict[str, Timer] = {}

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """A line on the labeler, then the batches and the desk."""
        yield LabelNotice()
        with Horizontal(id="columns"):
            with Vertical(id="decks", classes="panel") as decks:
                decks.border_title = "Batches"
                yield LabelBatches(id="batches")
                yield ListFilter("batches")
            yield LabelDesk(self._load_picture, self.house.images.large, self.house.terminal, id="desk")

    def on_mount(self) -> None:
        """Begin among the takes."""
        self.query_one("#takes").focus()

    def memory(self) -> Memory:
        """Keep the batch, the take, the filter and the prompt."""
        return {"batch": self._batch, "take": self._take, "filter": self._words, "prompt": self._prompt}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        if not self._batch:
            self._batch, self._take = self._wanted = str(memory.get("batch", "")), str(memory.get("take", ""))
        self._prompt = str(memory.get("prompt", ""))
        if words := str(memory.get("filter", "")):
            self.query_one("#takes-filter", FilterLine).open(words)

    def arrive(self, intent: object) -> None:
        """Open a batch; where a take or the batch is sent to be labelled, ask what of it."""
        if isinstance(intent, LabelTake):
            self._batch, self._take = self._wanted = intent.batch_id, str(intent.take_id)
            self._asking = "take" if intent.take_id else "rest"
            self._load()

    async def _load_picture(self, key: str) -> bytes:
        in_cells = self.house.images.large in {"half", "ascii"}
        return await self.client.picture(int(key), "thumb" if in_cells else "full")

    # ------------------------------------------------------------ what the daemon says

    def reload(self) -> None:
        """Ask for the batches and the open one, for failures of earlier times, and how the labeler is."""
        self._load()
        self._load_failures()
        self.query_one(LabelNotice).check()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        page = await self.asked(self.client.batches(BATCHES))
        if page is None:
            return
        self._loading = True
        self._batches = page.batches
        if self._batch not in {batch.id for batch in page.batches}:
            self._batch = page.batches[0].id if page.batches else ""
        self._detail = await self.asked(self.client.batch(self._batch)) if self._batch else None
        self._loading = False
        self.draw()
        if self._asking:
            self._ask(self._asking)
            self._asking = ""

    @work(group="failures", exclusive=True, exit_on_error=False)
    async def _load_failures(self) -> None:
        from imagineerd.jobs import State

        if found := await self.asked(self.client.jobs((State.FAILED, State.HELD), limit=FAILURES)):
            self._failures = found.jobs
            self.draw()

    def on_happened(self, event: Happened) -> None:
        """Follow the open batch at once; ask for the others soon."""
        from imagineerd.protocol import LabelChanged, LabelerBuilt

        body = event.body
        if (
            isinstance(body, LabelChanged)
            and self._detail
            and body.batch == self._detail.batch.id
            and not self._loading
        ):
            self._detail = labels.with_label(self._detail, body)
            self._later("draw", self.draw)
        elif isinstance(body, LabelerBuilt):
            self.query_one(LabelNotice).check()
        elif hasattr(body, "take"):
            self._later("load", self._load, LOAD_S)

    def _later(self, what: str, do: Callable[[], object], seconds: float = SOON_S) -> None:
        """Do something soon, once, however often it is asked for until then."""

        def now() -> None:
            del self._soon[what]
            do()

        if what not in self._soon:
            self._soon[what] = self.set_timer(seconds, now)

    # ------------------------------------------------------------ drawing

    def on_queue_changed(self) -> None:
        """Jobs moved on."""
        self._later("draw", self.draw)

    def on_status_changed(self) -> None:
        """The labeler began, ended or rests."""
        self.query_one(LabelNotice).draw()

    def on_build_changed(self) -> None:
        """The build of the labeler's image went on."""
        self.query_one(LabelNotice).draw()

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self.query_one(LabelDesk).panel.show_as(self.house.images.large)

    def draw(self) -> None:
        """Bring everything up to date; only lines that differ are drawn."""
        jobs = labels.newest_jobs(self.world, self._failures)
        shown = [(batch, labels.tally(batch, jobs.values())) for batch in self._batches]
        detail = self._detail
        found = labels.entries(detail, jobs) if detail else []
        if detail:
            tally = labels.tally_of(found)
            shown = [(batch, tally if batch.id == detail.batch.id else other) for batch, other in shown]
        batch, take = self._wanted
        self.query_one(LabelBatches).show(shown, batch)
        if detail:
            self.query_one(LabelDesk).show(labels.title_of(detail.batch), found, take)
            self._wanted = ("", "")
        self.query_one(LabelNotice).draw()

    @on(Rows.Highlighted, "#batches")
    def _batch_highlighted(self, event: Rows.Highlighted) -> None:
        if event.key and event.key != self._batch:
            self._batch, self._take = event.key, ""
            self._later("deck", self._load)

    @on(LabelDesk.Highlighted)
    def _take_highlighted(self, event: LabelDesk.Highlighted) -> None:
        self._take = event.entry.key

    @on(FilterLine.Filtered, "#takes-filter")
    def _filtered(self, event: FilterLine.Filtered) -> None:
        self._words = event.words

    # ------------------------------------------------------------ having labelled

    def action_label(self) -> None:
        """Ask what is to be labelled, and with which prompt."""
        self._ask()

    @work(group="label", exit_on_error=False)
    async def _ask(self, scope: str = "") -> None:
        desk = self.query_one(LabelDesk)
        found = labeling.scopes(desk.entry, desk.entries, self._batches, self._batch)
        order = await label_orders.ask(self, found, scope, self._prompt)
        if order:
            self._prompt = order.prompt
            if not await label_orders.begin(self, order):
                self.query_one(LabelNotice).check()

    @work(group="label", exit_on_error=False)
    async def action_stop(self) -> None:
        """Have nothing more of the batch labelled."""
        await label_orders.stop(self, self._batch)

    @work(group="label", exit_on_error=False)
    async def action_build(self) -> None:
        """Have the labeler's container image built; the line on top tells how it goes."""
        await label_orders.build(self)

    # ------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """While a label is written, only leaving counts."""
        return action not in TYPED_OVER or not self.has_class("-editing")

    def action_large(self) -> None:
        """Let the take have the screen, or show the lists again."""
        self.action_focus_on("takes")
        self.toggle_class("-large")

    def action_back(self) -> None:
        """Leave the form, or the large picture."""
        if self.has_class("-editing"):
            self.query_one(LabelDesk).leave()
        else:
            self.remove_class("-large")

    def action_focus_on(self, which: str) -> None:
        """Go to the batches or the takes."""
        self.query_one(f"#{which}").focus()

    def action_filter(self) -> None:
        """Filter the list that has the focus."""
        which = "batches" if self.query_one(LabelBatches).has_focus else "takes"
        self.query_one(f"#{which}-filter", FilterLine).open()

    def action_copy_export(self) -> None:
        """Send the command that writes pictures and labels for a trainer to the clipboard."""
        if self._batch:
            self.house.copy(f"imagineer labels export {self._batch} --format kohya", "the command that exports")
