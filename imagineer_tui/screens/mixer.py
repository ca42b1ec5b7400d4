"""3 Mixer: put LoRAs on faders, and see the same card drawn with every mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, UseLora, UseMix
from imagineer_tui.model import compose, mixer
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.audition import Audition
from imagineer_tui.widgets.faders import Faders
from imagineer_tui.widgets.library import Library
from imagineer_tui.widgets.library_rows import LibraryRows
from imagineer_tui.widgets.mix_panel import MixPanel
from imagineer_tui.widgets.mixer_asking import ask_axes, ask_name
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened


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
        "does not list them, and what is not looked at any more goes into the trash.\n\n"
        "s takes the mix to Sets, u to Compose."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "swap", "before", id="mixer.swap"),
        Binding("w", "save", "save", id="mixer.save", show=False),
        Binding("p", "subject", "audition", id="mixer.subject"),
        Binding("s", "use('sets')", "deal a set with this mix", id="mixer.deal", show=False),
        Binding("u", "use('compose')", "compose with this mix", id="mixer.compose", show=False),
        Binding("z", "take_back", "undo", id="mixer.undo", show=False),
        Binding("t", "triggers", "add trigger words, or not", id="mixer.triggers", show=False),
        Binding("r", "audition", "audition once more", id="mixer.audition", show=False),
        Binding("escape", "back", "to the faders, or to the library", id="mixer.back", show=False),
    ]
    DEFAULT_CSS = """
    MixerScreen {
        #body { layout: horizontal; }
        #library { width: 34; }
        #beside { width: 1fr; }
        #mix { height: 40%; max-height: 14; }
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
        self._library, self._mix = Library(), MixPanel()
        self._audition: Audition
        self._kept_last = False
        self._wanted = ""

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Three panels."""
        self._audition = Audition(self.house.images, self.house.terminal)
        yield self._library
        with Vertical(id="beside"):
            yield self._mix
            yield self._audition

    def on_mount(self) -> None:
        """Begin in the library."""
        self.query_one(LibraryRows).focus()
        self._mix.show()
        self._show_library()
        self._audition.show_captions()

    def memory(self) -> Memory:
        """Keep the mix and what is auditioned."""
        mix = self._mix
        return {"desk": mixer.kept(mix.desk), "draft": self._audition.draft, "triggers": mix.add_triggers}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._mix.add_triggers = bool(memory.get("triggers"))
        self._mix.recall(mixer.recalled(memory.get("desk", {})))
        self._audition.fill(memory.get("draft", {}))
        self._audition.take(self._mix.desk, add_triggers=self._mix.add_triggers)

    def arrive(self, intent: object) -> None:
        """Put a LoRA on a fader."""
        if isinstance(intent, UseLora):
            self._wanted = intent.name
            self._put_wanted()

    def _put_wanted(self) -> None:
        """Put the LoRA on a fader for which a person was sent here, once the library is known."""
        if lora := self._library.find_lora(self._wanted):
            self._wanted = ""
            self._library.choose(lora)

    def reload(self) -> None:
        """Ask for the library and the saved mixes; see what became of the audition."""
        self._library.load()
        self._audition.catch_up()
        self.call_after_refresh(self._audition.watch_job)

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
        self._show_library()

    @on(Library.Loaded)
    def _loaded(self) -> None:
        self._mix.know(self._library.loras, self._library.mixes)
        self._show_library()
        self._put_wanted()

    def _show_library(self) -> None:
        self._library.show(self._mix.desk, self.world.status.model if self.world.status else None)

    @on(MixPanel.Changed)
    def _changed(self, event: MixPanel.Changed) -> None:
        """Have the mix auditioned once it rests."""
        self._kept_last = False
        self._show_library()
        self._audition.take(self._mix.desk, add_triggers=self._mix.add_triggers)
        if not event.heard:
            self._audition.rest()

    # ------------------------------------------------------------ the faders

    @on(Library.LoraChosen)
    def _lora_chosen(self, event: Library.LoraChosen) -> None:
        self._mix.do(self._mix.desk.add(event.lora.name, event.lora.weight), lora=event.lora.name)

    @on(Library.MixChosen)
    def _mix_chosen(self, event: Library.MixChosen) -> None:
        self._mix.do(mixer.desk_of(event.mix))

    def action_triggers(self) -> None:
        """Add the trigger words to what is drawn, or do not."""
        self._mix.toggle_triggers()

    def action_take_back(self) -> None:
        """Take back what was done last: to the faders, or to the saved mixes."""
        if self._kept_last or not self._mix.undo():
            self._kept_last = False
            self.action_undo()

    # ------------------------------------------------------------ saved mixes

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Save the mix under a name."""
        if not self._mix.desk.mix:
            self.notify("Nothing is heard: there is no mix to save.")
            return
        names = [lora.name for lora in self._library.loras]
        if name := await ask_name(self.house, self._mix.name_of_mix, names):
            self._library.save(name, self._mix.desk.mix)

    def action_use(self, screen: str) -> None:
        """Draw with this mix on another screen: by its name where it is saved as it is now."""
        if text := self._mix.name_of_mix or compose.mix_text(self._mix.desk.mix):
            self.house.go(screen, UseMix(text))
        else:
            self.notify("Nothing is heard: there is no mix to draw with.")

    @on(Library.Kept)
    def _kept(self) -> None:
        """What z takes back now is that."""
        self._kept_last = True

    # ------------------------------------------------------------ the audition

    def action_audition(self) -> None:
        """Draw the subject with the mix as it is now."""
        self._audition.draw()

    def action_swap(self) -> None:
        """Go back to the mix before; and forth again."""
        if desk := self._audition.swap():
            self._mix.do(desk, heard=True)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_grid(self) -> None:
        """Draw the subject with several weights, as a grid."""
        if subject := self._audition.subject:
            axes = await ask_axes(self.house, self._mix.desk.names, self._mix.lora)
            if axes and (dealt := await self._audition.deal_grid(subject, axes)):
                self.notify(f"{number_of(len(dealt.jobs), 'cell')} of a grid are queued.")
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
