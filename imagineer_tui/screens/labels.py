"""6 Labels: what is said of the pictures; have it said, read it, correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from imagineer_tui import label_orders
from imagineer_tui.framed import Framed
from imagineer_tui.intents import LabelTake
from imagineer_tui.model import labeling
from imagineer_tui.model.labelled import Labelled
from imagineer_tui.remembering import Memory
from imagineer_tui.soon import Soon
from imagineer_tui.widgets.label_bench import LabelBench
from imagineer_tui.widgets.label_desk import LabelDesk
from imagineer_tui.widgets.label_notice import LabelNotice

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened

LOAD_S: Final = 1.0
"""Seconds that events are waited out before all is asked for anew."""

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
        &.-low.-narrow #take { height: 40%; min-height: 3; }
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
        &.-large.-narrow #take { height: 100%; }
        &.-large.-normal #take #said, &.-large.-narrow #take #said { width: 32; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._open = Labelled()
        self._prompt = self._asking = ""
        self._loading = False
        self._soon = Soon(self.set_timer)

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """A line on the labeler, then the batches and the desk."""
        yield LabelNotice()
        yield LabelBench(
            self._open, LabelDesk(self._load_picture, self.house.images.large, self.house.terminal, id="desk"),
            id="columns",
        )  # fmt: skip

    def memory(self) -> Memory:
        """Keep the batch, the take, the filter and the prompt."""
        opened = self._open
        return {"batch": opened.batch, "take": opened.take, "filter": opened.words, "prompt": self._prompt}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        if not self._open.batch:
            self._open.open(str(memory.get("batch", "")), str(memory.get("take", "")))
        self._prompt = str(memory.get("prompt", ""))
        if words := str(memory.get("filter", "")):
            self.query_one(LabelBench).filter_takes(words)

    def arrive(self, intent: object) -> None:
        """Open a batch; where a take or the batch is sent to be labelled, ask what of it."""
        if isinstance(intent, LabelTake):
            self._open.open(intent.batch_id, str(intent.take_id))
            self._asking = "take" if intent.take_id else "rest"
            self._load()

    async def _load_picture(self, key: str) -> bytes:
        from imagineer_tui.small_pictures import small_picture  # after the first paint

        if self.house.images.large in {"half", "ascii"}:
            return await small_picture(self.client, int(key))
        return await self.client.picture(int(key))

    # ------------------------------------------------------------ what the daemon says

    def reload(self) -> None:
        """Ask for the batches and the open one, for failures of earlier times, and how the labeler is."""
        self._load()
        self._load_failures()
        self.query_one(LabelDesk).renew()
        self.query_one(LabelNotice).check()

    @work(group="load", exclusive=True, exit_on_error=False)
    async def _load(self) -> None:
        self._loading = True
        there = await label_orders.load(self, self._open)
        self._loading = False
        if not there:
            return
        self.draw()
        if self._asking:
            self._ask(self._asking)
            self._asking = ""

    @work(group="failures", exclusive=True, exit_on_error=False)
    async def _load_failures(self) -> None:
        await label_orders.load_failures(self, self._open)
        self.draw()

    def on_happened(self, event: Happened) -> None:
        """Follow the open batch at once; ask for the others soon."""
        from imagineerd.protocol import LabelChanged, LabelerBuilt

        body = event.body
        if isinstance(body, LabelChanged) and not self._loading and self._open.change(body):
            self._soon.do("draw", self.draw)
        elif isinstance(body, LabelerBuilt):
            self.query_one(LabelNotice).check()
        elif hasattr(body, "take") or hasattr(body, "batches"):
            self._soon.do("load", self._load, LOAD_S)

    # ------------------------------------------------------------ drawing

    def on_queue_changed(self) -> None:
        """Jobs moved on."""
        self._soon.do("draw", self.draw)

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
        self.query_one(LabelBench).draw(self.world)
        self.query_one(LabelNotice).draw()

    @on(LabelBench.BatchChosen)
    def _batch_chosen(self) -> None:
        if self.world.connection.live:  # else the banner says why it does not come; `reload` asks for it
            self._soon.do("deck", self._load)

    # ------------------------------------------------------------ having labelled

    def action_label(self) -> None:
        """Ask what is to be labelled, and with which prompt."""
        self._ask()

    @work(group="label", exit_on_error=False)
    async def _ask(self, scope: str = "") -> None:
        desk = self.query_one(LabelDesk)
        found = labeling.scopes(desk.entry, desk.entries, self._open.batches, self._open.batch)
        order = await label_orders.ask(self, found, scope, self._prompt)
        if order:
            self._prompt = order.prompt
            if not await label_orders.begin(self, order):
                self.query_one(LabelNotice).check()

    @work(group="label", exit_on_error=False)
    async def action_stop(self) -> None:
        """Have nothing more of the batch labelled."""
        await label_orders.stop(self, self._open.batch)

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
        self.query_one(LabelBench).go(which)

    def action_filter(self) -> None:
        """Filter the list that has the focus."""
        self.query_one(LabelBench).filter()
