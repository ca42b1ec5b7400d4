"""2 Compose: a single prompt with all its settings; draw it, and draw it again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, UseMix, UseSettings
from imagineer_tui.model import compose
from imagineer_tui.model.compose import FIELDS, Draft
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.compose_form import ComposeForm
from imagineer_tui.widgets.drawn import Drawn
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.protocol import ModelInfo

NEW_SEEDS: Final = 2**32
"""A seed that is made up here is below this."""


class ComposeScreen(Framed):
    """The form on the left, what was drawn on the right."""

    NAME = "compose"
    TITLE = "Compose"
    HELP = (
        "Type a prompt and press enter: it is drawn, and the pictures land beside the form. What is left empty is "
        "chosen by the configuration or the model; the grey text says how. Below the prompt stands how many tokens it "
        "has; what is struck through lies behind what the model reads, and is lost.\n\n"
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
    ]
    DEFAULT_CSS = """
    ComposeScreen {
        #body { layout: horizontal; }
        #form { width: 1fr; }
        #drawn { width: 42; }
        #drawn Picture { display: none; }
        #form FormLine, #form PromptPlan { margin-bottom: 1; }
        #form FormLine:first-child { margin-bottom: 0; }
        &.-low #form FormLine, &.-low #form PromptPlan { margin-bottom: 0; }
        &.-normal #drawn { width: 30; }
        &.-wide, &.-huge {
            #form { width: 60; } #drawn { width: 1fr; } #drawn Picture { display: block; } #row { height: 10; }
            &.-low { #drawn Picture { display: none; } #row { height: 1fr; } }
        }
        &.-huge #form { width: 80; }
        &.-narrow { #body { layout: vertical; } #form { width: 100%; } #drawn { width: 100%; height: 12; } }
        &.-narrow.-low {
            #form, #drawn { display: none; height: 1fr; &:focus-within { display: block; } }
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._form = ComposeForm()
        self._drawn: Drawn
        self._drawing = False

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """The form and the pictures."""
        self._drawn = Drawn(self.house.drawings, self.house.images, self.house.terminal)
        yield self._form
        yield self._drawn

    def on_mount(self) -> None:
        """Begin among the pictures, where keys count."""
        self._form.show_hints({})
        self._form.show_sizes(self._model)
        self.query_one(Thumbnails).focus()
        self._drawn.show()

    def memory(self) -> Memory:
        """Keep the draft and what was drawn last."""
        return {"draft": self._form.draft, "batches": self._drawn.batches}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._drawn.batches = self._drawn.batches or [str(batch) for batch in memory.get("batches", ())]
        if not self._form.draft:
            self._form.fill({name: str(memory.get("draft", {}).get(name, "")) for name in FIELDS})

    def arrive(self, intent: object) -> None:
        """Take over the settings of a take, or a mix."""
        match intent:
            case UseSettings():
                self._use(intent.take_id)
            case UseMix():
                self._fill({**self._form.draft, "mix": intent.text}, "Took the mix")

    @work(group="reload", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """Ask what the empty fields stand for, and what was drawn last."""
        self._form.replan()
        if config := await self.asked(self.client.config()):
            self._form.show_hints(config.values.get("generation", {}) | config.values.get("model", {}))
        await self._drawn.load()

    @property
    def _model(self) -> ModelInfo | None:
        return self.world.status.model if self.world.status else None

    # ------------------------------------------------------------ what changed

    def on_queue_changed(self) -> None:
        """Jobs moved on."""
        self._drawn.show()

    def on_progressed(self) -> None:
        """A picture took a step."""
        self._drawn.show()

    def on_status_changed(self) -> None:
        """The model may be another one."""
        self._form.show_sizes(self._model)

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self._drawn.show_as(self.house.images)

    # ------------------------------------------------------------ drawing

    @on(ComposeForm.Submitted)
    def action_draw(self) -> None:
        """Draw what the form says; where something is wrong, go there."""
        order = self._form.order()
        if order and not self._drawing:
            self._drawing = True
            self._draw(order)

    @work(group="draw", exit_on_error=False)
    async def _draw(self, order: compose.Order) -> None:
        from imagineerd.errors import ImagineerError

        try:
            dealt = await self.client.generate(order.prompt, order.n, order.settings)
        except ImagineerError as error:
            if not self._form.refuse(error):
                self.notify(error.message, severity="error", timeout=10)
            return
        finally:
            self._drawing = False
        self._drawn.add(dealt.batch.id)

    @work(group="draw", exit_on_error=False)
    async def action_cancel(self) -> None:
        """Cancel what is still to be drawn of what was asked for here."""
        jobs = self._drawn.open_jobs
        if not jobs:
            self.notify("Nothing of this waits or is drawn.")
            return
        done = await self.asked(self.client.cancel(jobs))
        if done and (gone := done.cancelled + done.stopping):
            self.did(f"Cancelled {number_of(len(gone), 'take')}", lambda: self.client.retry(gone))

    @on(Thumbnails.Opened, "#row")
    def _opened(self) -> None:
        if take := self._drawn.take:
            self.house.go("gallery", ShowBatch(take.batch, take.slot))

    # ------------------------------------------------------------ keys

    def action_back(self) -> None:
        """Leave the form."""
        self.query_one(Thumbnails).focus()

    def action_prompt(self) -> None:
        """Type the prompt."""
        self._form.line("prompt").enter()

    def action_aspect(self) -> None:
        """Take the next native size."""
        self._form.next_size()

    def action_lock(self) -> None:
        """Keep the seed of the picture under the cursor, or draw with new ones again."""
        line, take = self._form.line("seed"), self._drawn.take
        line.value = "" if line.value else str(take.seed if take else random.randrange(NEW_SEEDS))  # noqa: S311 - a seed

    def action_use(self) -> None:
        """Fill the form with the settings of the picture under the cursor."""
        if take := self._drawn.take:
            self._use(take.id)

    @work(group="use", exclusive=True, exit_on_error=False)
    async def _use(self, take: int) -> None:
        detail = await self.asked(self.client.take(take))
        if detail:
            draft = {**compose.draft_of(detail), "n": self._form.draft.get("n", "")}
            self._fill(draft, "Took the settings of a take")

    def action_clear(self) -> None:
        """Empty the form."""
        self._fill({}, "Emptied the form")

    def _fill(self, draft: Draft, what: str) -> None:
        """Fill the form in another way, which can be taken back; what is typed in between can be had back, too."""
        before = dict(self._form.draft)
        self._form.fill(draft)
        filled = dict(self._form.draft)

        async def back() -> bool | str:
            if self._form.draft == filled:
                self._form.fill(before)
                return True
            self._fill(before, "Replaced what was typed since")
            return ""  # that was said

        self.did(what, back)
