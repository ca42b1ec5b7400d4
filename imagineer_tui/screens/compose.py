"""2 Compose: a single prompt with all its settings; draw it, and draw it again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, UseSettings
from imagineer_tui.model import compose
from imagineer_tui.model.compose import FIELDS, LABELS, RANGES, Draft, Place
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.form_line import FormLine
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.thumbnail import FAILED, MISSING, Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.words import number_of
from imagineerd.jobs import SCHEDULERS

if TYPE_CHECKING:
    from imagineerd.errors import ImagineerError
    from imagineerd.protocol import Take

SMALL: Final = (12, 9)
KEPT: Final = 6
"""Draws whose pictures stay in the row."""
NEW_SEEDS: Final = 2**32
"""A seed that is made up here is below this."""
OPEN: Final = {"queued", "running"}
WRAPPED: Final = {"prompt", "negative_prompt"}
WIDE: Final = {"mix", "model"}


class ComposeScreen(Framed):
    """The form on the left, what was drawn on the right."""

    NAME = "compose"
    TITLE = "Compose"
    HELP = (
        "Type a prompt and press enter: it is drawn, and the pictures land beside the form. What is left empty is "
        "chosen by the configuration or the model; the grey text says how.\n\n"
        "Tab goes to the next field, the arrows up and down change a number or go through the choices: native sizes, "
        "samplers. Escape goes to the pictures, where the keys below count. An empty seed means a new one each time; "
        "s locks the seed of the picture under the cursor, so that only what you change changes.\n\n"
        "A mix is written Ink:0.6, Tarot:0.2, or by the name of a saved mix. u takes the settings of a picture; in the "
        "Gallery u brings those of any take here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "draw", "draw", id="compose.draw"),
        Binding("p", "prompt", "prompt", id="compose.prompt"),
        Binding("a", "aspect", "size", id="compose.aspect"),
        Binding("s", "lock", "lock seed", id="compose.lock"),
        Binding("u", "use", "use settings", id="compose.use"),
        Binding("c", "cancel", "cancel", id="compose.cancel"),
        Binding("x", "clear", "empty the form", id="compose.clear", show=False),
        Binding("z", "undo", "undo", id="compose.undo", show=False),
        Binding("escape", "takes", "to the pictures", id="compose.takes", show=False),
    ]
    DEFAULT_CSS = """
    ComposeScreen {
        #body { layout: horizontal; }
        #form { width: 1fr; padding: 0 1; scrollbar-size: 1 1; }
        #drawn { width: 42; padding: 0 1; }
        #drawn Picture { display: none; }
        #form FormLine { margin-bottom: 1; }
        &.-low #form FormLine { margin-bottom: 0; }
        &.-normal #drawn { width: 30; }
        &.-wide { #form { width: 60; } #drawn { width: 1fr; } #drawn Picture { display: block; } #row { height: 10; } }
        &.-wide.-low { #drawn Picture { display: none; } #row { height: 1fr; } }
        &.-narrow { #body { layout: vertical; } #form { width: 100%; } #drawn { width: 100%; height: 12; } }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._draft: Draft = {}
        self._batches: list[str] = []
        self._known: dict[str, tuple[Take, ...]] = {}
        self._places: list[Place] = []
        self._drawing = False

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """The form and the pictures."""
        images, terminal = self.house.images, self.house.terminal
        with VerticalScroll(id="form", classes="panel", can_focus=False) as form:
            form.border_title = "Compose"
            form.border_subtitle = "enter draws · tab next · ↑↓ change"
            for name in FIELDS:
                yield FormLine(name, LABELS[name], wide=name in WIDE, wraps=name in WRAPPED)
        with Vertical(id="drawn", classes="panel") as drawn:
            drawn.border_title = "Drawn"
            yield Picture(self._load_large, images.large, terminal)
            yield Thumbnails(self.house.drawings, images.small, terminal.cell, SMALL, id="row")

    def on_mount(self) -> None:
        """Begin among the pictures, where keys count."""
        self._show_hints({})
        self.query_one(Thumbnails).focus()
        self._show_row()

    def memory(self) -> Memory:
        """Keep the draft and what was drawn last."""
        return {"draft": self._draft, "batches": self._batches}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._batches = self._batches or [str(batch) for batch in memory.get("batches", ())]
        if not self._draft:
            self._fill({name: str(memory.get("draft", {}).get(name, "")) for name in FIELDS})

    def arrive(self, intent: object) -> None:
        """Take over the settings of a take."""
        if isinstance(intent, UseSettings):
            self._use(intent.take_id)

    @work(group="reload", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """Ask what the empty fields stand for, and what was drawn last."""
        if config := await self.asked(self.client.config()):
            self._show_hints(config.values.get("generation", {}) | config.values.get("model", {}))
        for batch in tuple(self._batches):
            await self._load_batch(batch)
        self._show_row()

    async def _load_batch(self, batch: str) -> None:
        from imagineerd.errors import DaemonAway, NotFound

        try:
            detail = await self.client.batch(batch)
        except NotFound:
            self._batches.remove(batch)
        except DaemonAway:
            return
        else:
            self._known[batch] = tuple(take for slot in detail.slots for take in slot.takes)

    async def _load_large(self, key: str) -> bytes:
        return await self.client.picture(int(key))

    # ------------------------------------------------------------ the form

    def _line(self, name: str) -> FormLine:
        return next(line for line in self.query(FormLine) if line.field == name)

    def _fill(self, draft: Draft) -> None:
        for line in self.query(FormLine):
            line.value = draft.get(line.field, "")
        self._check()

    def _check(self) -> None:
        """Keep what is typed, and say at each field what is wrong with it."""
        self._draft = {line.field: line.value for line in self.query(FormLine) if line.value}
        faults = compose.read(self._draft).faults if self._draft else {}
        for line in self.query(FormLine):
            line.complain(faults.get(line.field, ""))

    def _show_hints(self, defaults: dict[str, object]) -> None:
        """Say what each field takes, and what an empty one stands for."""
        sizes = " · ".join(f"{size} {shape}" for size, shape in self._presets().items())
        hints = {
            "size": sizes or f"each side {RANGES['width']}",
            "scheduler": "↑↓ goes through them",
            "seed": "empty: new each time",
            **{name: f"{RANGES[name]}" for name in ("steps", "guidance_scale", "n")},
        }
        standing = {
            "prompt": "what to draw", "negative_prompt": "what to leave out", "size": "the model's",
            "seed": "new", "mix": "Ink:0.6, Tarot:0.2", "n": str(defaults.get("num_images", 1)),
            "model": str(defaults.get("default", "")), "scheduler": str(defaults.get("scheduler", "")),
        }  # fmt: skip
        for name in FIELDS:
            standing.setdefault(name, str(defaults.get(name) or "the model's"))
            self._line(name).hint(hints.get(name, ""), standing[name])

    def _presets(self) -> dict[str, str]:
        status = self.world.status
        return compose.presets(status.model.sizes) if status else {}

    @on(FormLine.Changed)
    def _typed(self) -> None:
        self._check()

    @on(FormLine.Submitted)
    def _submitted(self) -> None:
        self.action_draw()

    @on(FormLine.Stepped)
    def _stepped(self, event: FormLine.Stepped) -> None:
        line = event.line
        choices = {"size": tuple(self._presets()), "scheduler": SCHEDULERS}.get(line.field, ())
        line.value = compose.stepped(line.field, line.value, event.by, choices)

    # ------------------------------------------------------------ drawing

    def action_draw(self) -> None:
        """Draw what the form says; where something is wrong, go there."""
        order = compose.read(self._draft)
        if order.faults:
            for name, fault in order.faults.items():
                self._line(name).complain(fault)
            self._line(next(iter(order.faults))).enter()
        elif not self._drawing:
            self._drawing = True
            self._draw(order)

    @work(group="draw", exit_on_error=False)
    async def _draw(self, order: compose.Order) -> None:
        from imagineerd.errors import ImagineerError

        try:
            dealt = await self.client.generate(order.prompt, order.n, order.settings)
        except ImagineerError as error:
            self._refused(error)
            return
        finally:
            self._drawing = False
        for warning in dealt.warnings:
            self.notify(warning, severity="warning")
        self._batches = [dealt.batch.id, *self._batches][:KEPT]
        self._show_row()

    def _refused(self, error: ImagineerError) -> None:
        """Say what the daemon has against it, at the field where it names one."""
        if field := compose.field_of(error.field):
            self._line(field).complain(error.message)
        else:
            self.notify(error.message, severity="error", timeout=10)

    @work(group="draw", exit_on_error=False)
    async def action_cancel(self) -> None:
        """Cancel what is still to be drawn of what was asked for here."""
        jobs = [job.id for job in self.world.jobs.values() if job.batch in self._batches and job.state.value in OPEN]
        if not jobs:
            self.notify("Nothing of this waits or is drawn.")
            return
        done = await self.asked(self.client.cancel(jobs))
        if done and (gone := done.cancelled + done.stopping):
            self.did(f"Cancelled {number_of(len(gone), 'picture')}", lambda: self.client.retry(gone))

    # ------------------------------------------------------------ what was drawn

    def on_queue_changed(self) -> None:
        """Jobs moved on."""
        self._show_row()

    def on_progressed(self) -> None:
        """A picture took a step."""
        self._show_row()

    def on_status_changed(self) -> None:
        """The model may be another one."""
        if sizes := " · ".join(f"{size} {shape}" for size, shape in self._presets().items()):
            self._line("size").hint(sizes, "the model's")

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self.query_one("#drawn Picture", Picture).show_as(self.house.images.large)
        self.query_one(Thumbnails).show_as(self.house.images.small)

    def _show_row(self) -> None:
        page = self.query_one(Thumbnails)
        before = self._place
        self._places = list(compose.row(self._batches, self._known, self.world))
        jobs = [place.job for place in self._places]
        at = jobs.index(before.job) if before and before.job in jobs else 0
        page.show([_thumb(place) for place in self._places], at)
        self._show_large()
        waiting = sum(place.take is None for place in self._places)
        said = f"{waiting} to come" if waiting else "" if jobs else "enter in the form draws"
        self.query_one("#drawn").border_subtitle = said

    @property
    def _place(self) -> Place | None:
        at = self.query_one(Thumbnails).cursor
        return self._places[at] if at < len(self._places) else None

    @on(Thumbnails.Highlighted, "#row")
    def _show_large(self) -> None:
        take = self._place.take if self._place else None
        if take or not self._places:
            self.query_one("#drawn Picture", Picture).show(str(take.id) if take else "")

    @on(Thumbnails.Opened, "#row")
    def _opened(self) -> None:
        if self._place and (take := self._place.take):
            self.house.go("gallery", ShowBatch(take.batch, take.slot))

    # ------------------------------------------------------------ keys

    def action_takes(self) -> None:
        """Leave the form."""
        self.query_one(Thumbnails).focus()

    def action_prompt(self) -> None:
        """Type the prompt."""
        self._line("prompt").enter()

    def action_aspect(self) -> None:
        """Take the next native size."""
        if sizes := tuple(self._presets()):
            line = self._line("size")
            line.value = compose.stepped("size", line.value, 1, ("", *sizes))

    def action_lock(self) -> None:
        """Keep the seed of the picture under the cursor, or draw with new ones again."""
        line = self._line("seed")
        take = self._place.take if self._place else None
        line.value = "" if line.value else str(take.seed if take else random.randrange(NEW_SEEDS))  # noqa: S311 - a seed

    def action_use(self) -> None:
        """Fill the form with the settings of the picture under the cursor."""
        if self._place and self._place.take:
            self._use(self._place.take.id)

    @work(group="use", exclusive=True, exit_on_error=False)
    async def _use(self, take: int) -> None:
        detail = await self.asked(self.client.take(take))
        if detail:
            before = dict(self._draft)
            self._fill({**compose.draft_of(detail), "n": self._draft.get("n", "")})
            self.did("Took the settings of a take", lambda: self._put_back(before))

    def action_clear(self) -> None:
        """Empty the form."""
        before = dict(self._draft)
        self._fill({})
        self.did("Emptied the form", lambda: self._put_back(before))

    async def _put_back(self, draft: Draft) -> bool:
        self._fill(draft)
        return True


def _thumb(place: Place) -> Thumb:
    if place.take:
        return Thumb(str(place.take.id), f"seed {place.take.seed}")
    return Thumb("", place.note, FAILED if place.note in {"failed", "cancelled"} else MISSING)
