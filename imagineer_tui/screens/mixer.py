"""3 Mixer: put LoRAs on faders, and see the same card drawn with every mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, UseLora
from imagineer_tui.model import mixer
from imagineer_tui.model.mixer import Desk, Editing
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.audition import Audition
from imagineer_tui.widgets.faders import Faders
from imagineer_tui.widgets.library import Library
from imagineer_tui.widgets.library_rows import LibraryRows
from imagineer_tui.widgets.mixer_asking import asking_grid, asking_name, asking_weight
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened
    from imagineerd.protocol import ModelInfo


class MixerScreen(Framed):
    """The library on the left, the faders and the audition beside it."""

    NAME = "mixer"
    TITLE = "Mixer"
    HELP = (
        "Enter in the library puts a LoRA on a fader, or opens a saved mix; what is greyed does not fit the model, and "
        "the line below says why. Arrows move a fader by 0.05, with shift by 0.01; enter types a weight, the mouse "
        "drags it.\n\n"
        "p says what to audition: a prompt, or a card such as zodiac 3. It is drawn with few steps whenever the mix "
        "rests, always with the same seed, and you see it emerge; an older audition that is still being drawn is "
        "cancelled. b goes back and forth between the mix before and the one now. Auditions are no decks: the Gallery "
        "does not list them, and what is not looked at any more goes into the trash."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mute", "mute", id="mixer.mute"),
        Binding("o", "alone", "solo", id="mixer.solo"),
        Binding("b", "swap", "before", id="mixer.swap"),
        Binding("w", "save", "save", id="mixer.save", show=False),
        Binding("p", "subject", "audition", id="mixer.subject"),
        Binding("z", "take_back", "undo", id="mixer.undo", show=False),
        Binding("0", "reset", "reset", id="mixer.reset", show=False),
        Binding("d,delete", "remove", "take off, or delete the mix", id="mixer.remove", key_display="d", show=False),
        Binding("t", "triggers", "add trigger words, or not", id="mixer.triggers", show=False),
        Binding("r", "audition", "audition once more", id="mixer.audition", show=False),
        Binding("slash", "filter", "filter", id="mixer.filter", key_display="/", show=False),
        Binding("enter", "enter", "put on a fader, or type a weight", id="mixer.enter", show=False),
        Binding("escape", "back", "to the faders, or to the library", id="mixer.back", show=False),
    ]
    DEFAULT_CSS = """
    MixerScreen {
        #body { layout: horizontal; }
        #library { width: 34; }
        #beside { width: 1fr; }
        #mix { height: 40%; max-height: 14; padding: 0 1; }
        #faders { height: 1fr; }
        #triggers { height: auto; max-height: 2; color: $text-muted; }
        #audition { height: 1fr; padding: 0 1; }
        &.-normal #library { width: 30; }
        &.-huge { #beside { layout: horizontal; } #audition { width: 1fr; } }
        &.-huge #mix { width: 1fr; height: 100%; max-height: 100%; }
        &.-low #subject { display: none; }
        &.-low #audition.-editing BeforeAfter { display: none; }
        &.-narrow #library { display: none; &:focus-within { display: block; width: 100%; } }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._editing = Editing()
        self._library = Library()
        self._audition: Audition
        self._add_triggers = False
        self._kept_last = False

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Three panels."""
        self._audition = Audition(self.house.images, self.house.terminal)
        yield self._library
        with Vertical(id="beside"):
            with Vertical(id="mix", classes="panel") as mix:
                mix.border_title = "Mix"
                mix.border_subtitle = "←→ 0.05 · shift 0.01 · 0 reset · z undo"
                yield Faders(id="faders")
                yield Static(id="triggers", markup=False)
            yield self._audition

    def on_mount(self) -> None:
        """Begin in the library."""
        self.query_one(LibraryRows).focus()
        self._show()

    def memory(self) -> Memory:
        """Keep the mix and what is auditioned."""
        draft = self._audition.draft
        return {"desk": mixer.kept(self._editing.desk), "draft": draft, "triggers": self._add_triggers}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._editing.desk = self._editing.desk if self._editing.desk.faders else mixer.recalled(memory.get("desk", {}))
        self._add_triggers = bool(memory.get("triggers"))
        self._audition.fill(memory.get("draft", {}))
        self._show()

    def arrive(self, intent: object) -> None:
        """Put a LoRA on a fader."""
        if isinstance(intent, UseLora):
            self._add(intent.name)

    def reload(self) -> None:
        """Ask for the library and the saved mixes; see what became of the audition."""
        self._library.load()
        self._audition.catch_up()
        self.call_after_refresh(self._audition.watch_job)

    @property
    def _model(self) -> ModelInfo | None:
        return self.world.status.model if self.world.status else None

    # ------------------------------------------------------------ what changed

    def on_happened(self, event: Happened) -> None:
        """The library or the mixes changed, or the audition moved on."""
        from imagineerd.protocol import LorasChanged, MixesChanged

        if isinstance(event.body, LorasChanged | MixesChanged):
            self._library.load()
        self._audition.happened(event.body)

    def on_screen_suspend(self) -> None:
        """Nobody looks: nothing need be sent."""
        self._audition.look_away()

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self._audition.show_as(self.house.images)

    def on_progressed(self) -> None:
        """The audition took a step."""
        self._audition.show_captions()

    def on_status_changed(self) -> None:
        """Another model fits other LoRAs."""
        self._library.show(self._editing.desk, self._model)

    @on(Library.Loaded)
    def _loaded(self) -> None:
        self._show()

    def _show(self, fader: str = "") -> None:
        desk = self._editing.desk
        self._library.show(desk, self._model)
        self._audition.take(desk, add_triggers=self._add_triggers)
        self.query_one(Faders).show(desk, fader)
        self.query_one("#mix").border_title = self._title()
        words = mixer.triggers(desk, self._library.loras)
        how = "added" if self._add_triggers else "t adds them"
        self.query_one("#triggers", Static).update(f"triggers: {', '.join(words)} · {how}" if words else "")

    def _title(self) -> str:
        name = self._mix_name
        return f"Mix “{name}”" if name else "Mix · not saved, w saves it" if self._editing.desk.faders else "Mix"

    @property
    def _mix_name(self) -> str:
        """The name under which the mix is saved as it is now."""
        return next((mix.name for mix in self._library.mixes if mix.mix == self._editing.desk.mix), "")

    # ------------------------------------------------------------ the faders

    def _do(self, desk: Desk, what: str = "", fader: str = "") -> None:
        """Change the mix; it is auditioned once it rests."""
        self._kept_last = False
        self._editing.do(what, desk)
        self._show(fader)
        self._audition.rest()

    def _change(self, how: Callable[[Desk, str], Desk]) -> None:
        """Change the fader under the cursor."""
        if name := self.query_one(Faders).key:
            self._do(how(self._editing.desk, name))

    def _add(self, name: str) -> None:
        lora = self._library.find_lora(name)
        if lora and (why := self._library.obstacle(lora)):
            self.notify(why, severity="warning")
            return
        self._do(self._editing.desk.add(name, lora.weight if lora else None), fader=name)

    @on(Faders.Moved)
    def _moved(self, event: Faders.Moved) -> None:
        self._do(self._editing.desk.put(event.lora, event.weight), f"move {event.lora}", event.lora)

    @on(Faders.Nudged)
    def _nudged(self, event: Faders.Nudged) -> None:
        self._do(self._editing.desk.nudge(event.lora, event.by), f"move {event.lora}", event.lora)

    def action_enter(self) -> None:
        """Put on a fader or open a mix; among the faders, type a weight."""
        if self.query_one(Faders).has_focus:
            self._type_weight(self.query_one(Faders).key)
        elif lora := self._library.lora:
            self._add(lora.name)
        elif saved := self._library.mix:
            self._do(mixer.desk_of(saved.mix))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _type_weight(self, name: str) -> None:
        fader = next((fader for fader in self._editing.desk.faders if fader.name == name), None)
        if fader and (draft := await self.house.push_screen_wait(asking_weight(fader))):
            self._do(self._editing.desk.put(name, float(draft["weight"])), fader=name)

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
        """Take a LoRA off its fader; in the library, delete a saved mix."""
        if self.query_one(Faders).has_focus:
            self._change(Desk.remove)
        else:
            self._library.delete()

    def action_take_back(self) -> None:
        """Take back what was done last: to the faders, or to the saved mixes."""
        if not self._kept_last and self._editing.undo():
            self._show()
            self._audition.rest()
        else:
            self._kept_last = False
            self.action_undo()

    # ------------------------------------------------------------ saved mixes

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Save the mix under a name."""
        if not self._editing.desk.mix:
            self.notify("Nothing is heard: there is no mix to save.")
        elif draft := await self.house.push_screen_wait(asking_name(self._mix_name)):
            self._library.save(draft["name"].strip(), self._editing.desk.mix)

    @on(Library.Kept)
    def _kept(self) -> None:
        """What z takes back now is that."""
        self._kept_last = True

    # ------------------------------------------------------------ the audition

    def action_audition(self) -> None:
        """Draw the subject with the mix as it is now."""
        self._audition.draw()

    def action_triggers(self) -> None:
        """Add the trigger words to what is drawn, or do not."""
        self._add_triggers = not self._add_triggers
        self._show()
        self._audition.rest()

    def action_swap(self) -> None:
        """Go back to the mix before; and forth again."""
        if desk := self._audition.swap():
            self._editing.do("", desk)
            self._show()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_grid(self) -> None:
        """Draw the subject with several weights, as a grid."""
        if subject := self._audition.subject:
            names = self._editing.desk.names
            draft = await self.house.push_screen_wait(asking_grid(names, self.query_one(Faders).key))
            dealt = await self._audition.deal_grid(subject, mixer.read_axes(draft, names)[0]) if draft else None
            if dealt:
                self.notify(f"{number_of(len(dealt.jobs), 'cell')} of a grid are queued; 4 shows them.")
                self.house.go("queue", ShowBatch(dealt.batch.id))
        else:
            self.action_subject()

    # ------------------------------------------------------------ moving about

    def action_subject(self) -> None:
        """Say what to audition."""
        self._audition.edit()

    def action_filter(self) -> None:
        """Filter the library."""
        self._library.filter()

    @on(Audition.Left)
    def action_back(self) -> None:
        """Go to the faders, and from there to the library."""
        self._audition.leave()
        faders = self.query_one(Faders)
        (self.query_one(LibraryRows) if faders.has_focus else faders).focus()
