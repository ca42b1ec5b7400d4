"""The library of the Mixer: LoRAs and saved mixes, a filter, and what there is to know of the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from imagineer_tui.model import mixer
from imagineer_tui.widgets.filter_line import filter_of
from imagineer_tui.widgets.library_rows import EMPTY, LibraryRows
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.words import size

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.mixer import Desk
    from imagineerd.jobs import Mix
    from imagineerd.protocol import LoraInfo, MixInfo, ModelInfo


class Library(Vertical):
    """Shows what there is; `lora` and `mix` are what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "to a fader", id="mixer.choose", key_display="enter"),
        Binding("d,delete", "delete", "delete the mix", id="mixer.delete", key_display="d", show=False),
        Binding("slash", "screen.filter", "filter", id="mixer.filter", key_display="/"),
    ]
    DEFAULT_CSS = """
    Library {
        #about { height: auto; max-height: 6; padding: 0 1; border-top: solid $border-blurred; color: $text-muted; }
    }
    """

    class Loaded(Message):
        """What there is was asked for anew."""

    class LoraChosen(Message):
        """A LoRA shall be put on a fader."""

        def __init__(self, lora: LoraInfo) -> None:
            super().__init__()
            self.lora = lora

    class MixChosen(Message):
        """A saved mix shall be opened."""

        def __init__(self, mix: Mix) -> None:
            super().__init__()
            self.mix = mix

    class Kept(Message):
        """A mix was saved or deleted; `Framed.action_undo` takes it back."""

    def __init__(self) -> None:
        super().__init__(id="library", classes="panel")
        self.border_title = "Library"
        self.loras: tuple[LoraInfo, ...] = ()
        self.mixes: tuple[MixInfo, ...] = ()
        self._model: ModelInfo | None = None

    def compose(self) -> ComposeResult:
        """Put the list above what is said of a line."""
        yield LibraryRows(id="loras")
        yield Static(id="about", markup=False)

    @property
    def lora(self) -> LoraInfo | None:
        """The LoRA under the cursor."""
        return self.find_lora(self._chosen("lora"))

    @property
    def mix(self) -> MixInfo | None:
        """The saved mix under the cursor."""
        return self.find_mix(self._chosen("mix"))

    def find_lora(self, name: str) -> LoraInfo | None:
        """Return a LoRA by its name."""
        return next((lora for lora in self.loras if lora.name == name), None)

    def find_mix(self, name: str) -> MixInfo | None:
        """Return a saved mix by its name."""
        return next((mix for mix in self.mixes if mix.name == name), None)

    @on(Rows.Opened, "#loras")
    def action_choose(self) -> None:
        """Put the LoRA under the cursor on a fader, or open the mix; where it does not fit, say why."""
        if lora := self.lora:
            self.choose(lora)
        elif saved := self.mix:
            self.post_message(self.MixChosen(saved.mix))

    def choose(self, lora: LoraInfo) -> None:
        """Have a LoRA put on a fader; where it does not fit, say why."""
        if why := mixer.obstacle(lora, self._model):
            self.notify(why, severity="warning")
        else:
            self.post_message(self.LoraChosen(lora))

    def show(self, desk: Desk, model: ModelInfo | None) -> None:
        """Show which ones are on the desk, and which ones do not fit the model."""
        self._model = model
        self.query_one(LibraryRows).show(self.loras, self.mixes, desk, model)
        self._show_about()

    @on(Rows.Highlighted, "#loras")
    def _show_about(self) -> None:
        """Say the whole name of what the cursor is on, and what there is to know of it."""
        lora, saved = self.lora, self.mix
        text = ""
        if lora:
            text = f"{lora.name} · {size(lora.bytes)}\n{self._telling(lora)}"
        elif saved:
            text = f"{saved.name}\n" + " + ".join(f"{part.name} {part.weight:g}" for part in saved.mix)
        self.query_one("#about", Static).update(text)

    def _telling(self, lora: LoraInfo) -> str:
        """Return why a LoRA does not fit, what is doubtful about it, or what wakes it."""
        doubts = " ".join(problem.message for problem in lora.problems)
        wakes = f"trigger: {lora.trigger}" if lora.trigger else "no trigger words"
        return mixer.obstacle(lora, self._model) or doubts or wakes

    def _chosen(self, kind: str) -> str:
        """Return the name under the cursor, if it is of this kind."""
        found, _, name = self.query_one(LibraryRows).key.partition(":")
        return name if found == kind else ""

    # ------------------------------------------------------------ what the daemon keeps

    @property
    def _framed(self) -> Framed:
        return cast("Framed", self.screen)

    @work(group="load", exclusive=True, exit_on_error=False)
    async def load(self) -> None:
        """Ask for the LoRAs and the saved mixes."""
        asked, client = self._framed.asked, self._framed.client
        loras, mixes = await asked(client.loras()), await asked(client.mixes())
        if loras:
            self.loras = loras.loras
            self.query_one(LibraryRows).say_empty(EMPTY)
        self.mixes = mixes.mixes if mixes else self.mixes
        self.post_message(self.Loaded())

    @work(group="keep", exit_on_error=False)
    async def save(self, name: str, mix: Mix) -> None:
        """Save a mix, in place of an earlier one of this name."""
        framed, earlier = self._framed, self.find_mix(name)
        if not await framed.asked(framed.client.save_mix(name, mix)):
            return
        if earlier:
            framed.did(f"Saved “{name}”", lambda: framed.client.save_mix(name, earlier.mix))
        else:
            framed.did(f"Saved “{name}”", lambda: framed.client.delete_mix(name))
        self.post_message(self.Kept())
        self.load()

    @work(group="keep", exit_on_error=False)
    async def action_delete(self) -> None:
        """Delete the mix under the cursor."""
        framed, saved = self._framed, self.mix
        if saved is None:
            return
        if await framed.asked(framed.client.delete_mix(saved.name)):
            framed.did(f"Deleted “{saved.name}”", lambda: framed.client.save_mix(saved.name, saved.mix))
            self.post_message(self.Kept())
            self.load()

    def filter(self) -> None:
        """Type words that a line must have."""
        filter_of(self.query_one(LibraryRows)).open()
