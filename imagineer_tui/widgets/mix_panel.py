"""The mix on its faders: its name, its trigger words, and every change with its way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from imagineer_tui.model import mixer
from imagineer_tui.model.mixer import Desk, Editing, Fader
from imagineer_tui.widgets.faders import Faders
from imagineer_tui.widgets.mixer_asking import asking_weight

if TYPE_CHECKING:
    from imagineerd.protocol import LoraInfo, MixInfo


class MixPanel(Vertical):
    """`desk` is the mix; `add_triggers` says whether its trigger words are added to what is drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mute", "mute", id="mixer.mute"),
        Binding("o", "alone", "solo", id="mixer.solo"),
        Binding("0", "reset", "reset", id="mixer.reset", show=False),
        Binding("d,delete", "remove", "take off", id="mixer.remove", key_display="d", show=False),
        Binding("enter", "type_weight", "type a weight", id="mixer.type", key_display="enter", show=False),
    ]
    DEFAULT_CSS = """
    MixPanel {
        padding: 0 1;
        #faders { height: 1fr; }
        #triggers { height: auto; max-height: 2; color: $text-muted; }
    }
    """

    class Changed(Message):
        """It is another mix now; `heard` says that there is a picture of it."""

        def __init__(self, *, heard: bool = False) -> None:
            super().__init__()
            self.heard = heard

    def __init__(self) -> None:
        super().__init__(id="mix", classes="panel")
        self.border_subtitle = "←→ 0.05 · shift 0.01 · 0 reset · z undo"
        self.add_triggers = False
        self._editing = Editing()
        self._loras: tuple[LoraInfo, ...] = ()
        self._mixes: tuple[MixInfo, ...] = ()

    def compose(self) -> ComposeResult:
        """Put the faders above the trigger words."""
        yield Faders(id="faders")
        yield Static(id="triggers", markup=False)

    @property
    def desk(self) -> Desk:
        """The mix as it is now."""
        return self._editing.desk

    @property
    def lora(self) -> str:
        """The LoRA under the cursor."""
        return self.query_one(Faders).key

    @property
    def fader(self) -> Fader | None:
        """Its fader."""
        return next((fader for fader in self.desk.faders if fader.name == self.lora), None)

    @property
    def name_of_mix(self) -> str:
        """The name under which the mix is saved as it is now; empty where it is not."""
        return next((mix.name for mix in self._mixes if mix.mix == self.desk.mix), "")

    def recall(self, desk: Desk) -> None:
        """Begin with this mix, unless there is one."""
        self._editing.desk = self.desk if self.desk.faders else desk
        self.show()

    def know(self, loras: Iterable[LoraInfo], mixes: Iterable[MixInfo]) -> None:
        """Take in what there is in the library: trigger words and names."""
        self._loras, self._mixes = tuple(loras), tuple(mixes)
        self.show()

    def show(self, lora: str = "") -> None:
        """Bring all up to date; the cursor goes to this LoRA, if it is named."""
        self.query_one(Faders).show(self.desk, lora)
        name = self.name_of_mix
        self.border_title = f"Mix “{name}”" if name else "Mix · not saved, w saves it" if self.desk.faders else "Mix"
        words = mixer.triggers(self.desk, self._loras)
        how = "added" if self.add_triggers else "t adds them"
        self.query_one("#triggers", Static).update(f"triggers: {', '.join(words)} · {how}" if words else "")

    # ------------------------------------------------------------ changes

    def do(self, desk: Desk, what: str = "", lora: str = "", *, heard: bool = False) -> None:
        """Change the mix; changes of the same kind in a row (`what`) are taken back together."""
        self._editing.do(what, desk)
        self.show(lora)
        self.post_message(self.Changed(heard=heard))

    def _change(self, how: Callable[[Desk, str], Desk]) -> None:
        """Change the fader under the cursor."""
        if lora := self.lora:
            self.do(how(self.desk, lora))

    def action_mute(self) -> None:
        """Leave a LoRA out, or let it count again."""
        self._change(Desk.mute)

    def action_alone(self) -> None:
        """Hear a LoRA alone, or all of them again."""
        self._change(Desk.alone)

    def action_reset(self) -> None:
        """Set a weight back to where it started."""
        self._change(Desk.reset)

    def action_remove(self) -> None:
        """Take a LoRA off its fader."""
        self._change(Desk.remove)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_type_weight(self) -> None:
        """Type the weight of the fader under the cursor."""
        fader = self.fader
        if fader and (draft := await self.app.push_screen_wait(asking_weight(fader))):
            self.do(self.desk.put(fader.name, float(draft["weight"])), lora=fader.name)

    def undo(self) -> bool:
        """Take the last change back; say whether there was one."""
        done = self._editing.undo()
        if done:
            self.show()
            self.post_message(self.Changed())
        return done

    def toggle_triggers(self) -> None:
        """Add the trigger words to what is drawn, or do not."""
        self.add_triggers = not self.add_triggers
        self.show()
        self.post_message(self.Changed())

    @on(Faders.Moved)
    def _moved(self, event: Faders.Moved) -> None:
        self.do(self.desk.put(event.lora, event.weight), f"move {event.lora}", event.lora)

    @on(Faders.Nudged)
    def _nudged(self, event: Faders.Nudged) -> None:
        self.do(self.desk.nudge(event.lora, event.by), f"move {event.lora}", event.lora)
