"""The form of Compose: what is typed, what is wrong with it, and what the daemon would draw, anew with every key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message

from imagineer_tui.model import compose
from imagineer_tui.model.compose import FIELDS, HINTS, LABELS, Draft, Order
from imagineer_tui.widgets.form_line import FormLine
from imagineer_tui.widgets.prompt_plan import PromptPlan

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineerd.errors import ImagineerError
    from imagineerd.protocol import ModelInfo

TYPING_S: Final = 0.15
"""Seconds without a key after which the plan is made anew."""
WRAPPED: Final = {"prompt", "negative_prompt"}
WIDE: Final = {"mix", "model"}


class ComposeForm(VerticalScroll, can_focus=False):
    """A line for each field; `draft` is what they say."""

    DEFAULT_CSS = """
    ComposeForm { padding: 0 1; scrollbar-size: 1 1; }
    """

    class Submitted(Message):
        """It shall be drawn."""

    def __init__(self) -> None:
        super().__init__(id="form", classes="panel")
        self.border_title = "Compose"
        self.border_subtitle = "enter draws · tab next · ↑↓ change"
        self.draft: Draft = {}
        self._presets: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Put the plan right below the prompt."""
        for name in FIELDS:
            yield FormLine(name, LABELS[name], wide=name in WIDE, wraps=name in WRAPPED)
            if name == "prompt":
                yield PromptPlan()

    def line(self, name: str) -> FormLine:
        """Return the line of a field."""
        return next(line for line in self.query(FormLine) if line.field == name)

    def fill(self, draft: Draft) -> None:
        """Write into all fields."""
        for line in self.query(FormLine):
            line.value = draft.get(line.field, "")
        self._check()

    # ------------------------------------------------------------ what each field takes

    def show_hints(self, defaults: dict[str, object]) -> None:
        """Say what each field takes, and what an empty one stands for."""
        standing = {
            "prompt": "what to draw", "negative_prompt": "what to leave out", "seed": "new",
            "mix": "Ink:0.6, Tarot:0.2", "n": str(defaults.get("num_images", 1)),
            "model": str(defaults.get("default", "")), "scheduler": str(defaults.get("scheduler", "")),
        }  # fmt: skip
        for name in FIELDS:
            if name != "size":
                standing.setdefault(name, str(defaults.get(name) or "the model's"))
                self.line(name).hint(HINTS.get(name, ""), standing[name])

    def show_sizes(self, model: ModelInfo | None) -> None:
        """Say which sizes the model is used to."""
        self._presets = compose.presets(model)
        self.line("size").hint(compose.sizes_hint(self._presets), "the model's")

    def next_size(self) -> None:
        """Take the next native size, or leave it to the model again."""
        line = self.line("size")
        line.value = compose.stepped("size", line.value, 1, ("", *self._presets))

    @on(FormLine.Stepped)
    def _stepped(self, event: FormLine.Stepped) -> None:
        line = event.line
        choices = compose.choices(self._presets).get(line.field, ())
        line.value = compose.stepped(line.field, line.value, event.by, choices)

    @on(FormLine.Submitted)
    def _submitted(self) -> None:
        self.post_message(self.Submitted())

    # ------------------------------------------------------------ what is wrong

    @on(FormLine.Changed)
    def _check(self) -> None:
        """Keep what is typed, and say at each field what is wrong with it."""
        self.draft = {line.field: line.value for line in self.query(FormLine) if line.value}
        self._complain(compose.read(self.draft).faults if self.draft else {})
        self.replan()

    def order(self) -> Order | None:
        """Return what the form asks for; where something is wrong, go there and return None."""
        order = compose.read(self.draft)
        if not order.faults:
            return order
        self._complain(order.faults)
        self.line(next(iter(order.faults))).enter()
        return None

    def refuse(self, error: ImagineerError) -> bool:
        """Say what the daemon has against it, at the field where it names one; say whether it did."""
        if field := compose.field_of(error.field):
            self.line(field).complain(error.message)
        return bool(field)

    def _complain(self, faults: dict[str, str]) -> None:
        for line in self.query(FormLine):
            line.complain(faults.get(line.field, ""))

    # ------------------------------------------------------------ the plan

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def replan(self) -> None:
        """Ask what the prompt comes to, once the typing pauses."""
        from imagineerd.errors import DaemonAway, ImagineerError

        await asyncio.sleep(TYPING_S)
        framed, order = cast("Framed", self.screen), compose.read(self.draft)
        plan = None
        if not order.faults and framed.world.connection.live:
            try:
                plan = await framed.client.plan_prompt(order.prompt, order.n, order.settings)
            except DaemonAway:
                return  # the banner says so; the last plan stays
            except ImagineerError as error:
                self.refuse(error)
        self.query_one(PromptPlan).show(plan)
        self.line("prompt").mark_lost(compose.lost_from(self.draft.get("prompt", ""), plan) if plan else None)
