"""3 Mixer: put LoRAs on faders, and see the same card drawn with every mix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from msgspec.structs import replace
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, UseLora
from imagineer_tui.model import mixer
from imagineer_tui.model.compose import RANGES, WEIGHT
from imagineer_tui.model.mixer import Desk, Editing, Subject
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.asking import Asking
from imagineer_tui.widgets.before_after import BeforeAfter
from imagineer_tui.widgets.faders import Faders
from imagineer_tui.widgets.filter_line import FilterLine
from imagineer_tui.widgets.form_line import FormLine
from imagineer_tui.widgets.library_rows import LibraryRows
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.words import number_of
from imagineerd.jobs import INTERACTIVE

if TYPE_CHECKING:
    from imagineer_tui.messages import Happened
    from imagineerd.protocol import Dealt, LoraInfo, MixInfo, Settings

PAUSE_S: Final = 0.4
"""Seconds without a change after which an audition is drawn."""
SUBJECT: Final = {"prompt": "Prompt", "card": "or card", "seed": "Seed", "steps": "Steps"}


class Heard(NamedTuple):
    """A finished audition: its take, and the desk it was drawn with."""

    take: int
    desk: Desk


class MixerScreen(Framed):
    """The library on the left, the faders and the audition beside it."""

    NAME = "mixer"
    TITLE = "Mixer"
    HELP = (
        "Enter in the library puts a LoRA on a fader, or opens a saved mix; what is greyed does not fit the model, and "
        "the line below says why. Arrows move a fader by 0.05, with shift by 0.01; enter types a weight, the mouse "
        "drags it.\n\n"
        "p says what to audition: a prompt, or a card such as zodiac 3. It is drawn with few steps whenever the mix "
        "rests, always with the same seed; an older audition that is still being drawn is cancelled. b goes back and "
        "forth between the mix before and the one now."
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
        Binding("escape", "back", "back to the faders", id="mixer.back", show=False),
    ]
    DEFAULT_CSS = """
    MixerScreen {
        #body { layout: horizontal; }
        #library { width: 34; }
        #about { height: auto; max-height: 6; padding: 0 1; border-top: solid $border-blurred; color: $text-muted; }
        #beside { width: 1fr; }
        #mix { height: 40%; max-height: 14; padding: 0 1; }
        #faders { height: 1fr; }
        #triggers { height: auto; max-height: 2; color: $text-muted; }
        #audition { height: 1fr; padding: 0 1; }
        &.-normal #library { width: 30; }
        &.-huge { #beside { layout: horizontal; } #audition { width: 1fr; } }
        &.-huge #mix { width: 1fr; height: 100%; max-height: 100%; }
        &.-low #subject { display: none; }
        &.-low #audition.-editing { #subject { display: block; } BeforeAfter { display: none; } }
        &.-narrow #library { display: none; &:focus-within { display: block; width: 100%; } }
        #subject { height: auto; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._editing = Editing()
        self._loras: tuple[LoraInfo, ...] = ()
        self._mixes: tuple[MixInfo, ...] = ()
        self._draft: dict[str, str] = {}
        self._add_triggers = False
        self._before: Heard | None = None
        self._now: Heard | None = None
        self._drawing: tuple[int, Desk] | None = None
        self._asking = self._again = False
        self._timer: Timer | None = None
        self._said = ""
        self._kept_last = False

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Three panels."""
        images, terminal = self.house.images, self.house.terminal
        with Vertical(id="library", classes="panel") as library:
            library.border_title = "Library"
            yield LibraryRows(id="loras")
            yield FilterLine(id="loras-filter")
            yield Static(id="about", markup=False)
        with Vertical(id="beside"):
            with Vertical(id="mix", classes="panel") as mix:
                mix.border_title = "Mix"
                mix.border_subtitle = "←→ 0.05 · shift 0.01 · 0 reset · z undo"
                yield Faders(id="faders")
                yield Static(id="triggers", markup=False)
            with Vertical(id="audition", classes="panel"):
                with Vertical(id="subject"):
                    for name, label in SUBJECT.items():
                        yield FormLine(name, label, wide=name == "card", wraps=name == "prompt")
                yield BeforeAfter(self._load, images.large, terminal)

    def on_mount(self) -> None:
        """Begin in the library."""
        hints = {"prompt": ("", "what to draw with every mix"), "card": ("", "zodiac 3")}
        hints |= {"seed": ("the same for every mix", str(mixer.SEED))}
        hints |= {"steps": (str(RANGES["steps"]), str(mixer.DRAFT_STEPS))}
        for line in self.query(FormLine):
            line.hint(*hints[line.field])
        self.query_one(LibraryRows).focus()
        self._show()

    def memory(self) -> Memory:
        """Keep the mix and what is auditioned."""
        return {"desk": mixer.kept(self._editing.desk), "draft": self._draft, "triggers": self._add_triggers}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._editing.desk = self._editing.desk if self._editing.desk.faders else mixer.recalled(memory.get("desk", {}))
        self._add_triggers = bool(memory.get("triggers"))
        draft = memory.get("draft", {})
        for line in self.query(FormLine):
            line.value = str(draft.get(line.field, ""))
        self._show()

    def arrive(self, intent: object) -> None:
        """Put a LoRA on a fader."""
        if isinstance(intent, UseLora):
            self._add(intent.name)

    async def _load(self, key: str) -> bytes:
        return await self.client.picture(int(key))

    @work(group="reload", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """Ask for the library and the saved mixes."""
        loras, mixes = await self.asked(self.client.loras()), await self.asked(self.client.mixes())
        self._loras = loras.loras if loras else self._loras
        self._mixes = mixes.mixes if mixes else self._mixes
        self._catch_up()
        self._show()

    def on_happened(self, event: Happened) -> None:
        """The library or the mixes changed, or the audition is finished."""
        from imagineerd.protocol import JobMoved, LorasChanged, MixesChanged, TakeAdded

        match event.body:
            case LorasChanged() | MixesChanged():
                self.reload()
            case TakeAdded():
                self._catch_up()
            case JobMoved(job=job, state=state, error=error) if self._drawing and job == self._drawing[0]:
                if state.value in {"failed", "cancelled", "held"}:
                    self._end(f"✗ {error.message}" if error else "✗ cancelled")

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self.query_one(BeforeAfter).show_as(self.house.images.large)

    def on_progressed(self) -> None:
        """The audition took a step."""
        self._show_captions()

    def on_status_changed(self) -> None:
        """Another model fits other LoRAs."""
        self._show_library()

    # ------------------------------------------------------------ what there is to see

    def _show(self, fader: str = "") -> None:
        desk = self._editing.desk
        self._show_library()
        self.query_one(Faders).show(desk, fader)
        self.query_one("#mix").border_title = self._title()
        words = mixer.triggers(desk, self._loras)
        how = "added" if self._add_triggers else "t adds them"
        self.query_one("#triggers", Static).update(f"triggers: {', '.join(words)} · {how}" if words else "")
        self._show_captions()

    def _title(self) -> str:
        named = next((mix.name for mix in self._mixes if mix.mix == self._editing.desk.mix), "")
        return f"Mix “{named}”" if named else "Mix · not saved" if self._editing.desk.faders else "Mix"

    def _show_library(self) -> None:
        self.query_one(LibraryRows).show(self._loras, self._mixes, self._editing.desk, self._model)
        self._show_about()

    @property
    def _model(self) -> str:
        return self.world.status.model.name if self.world.status else ""

    @on(Rows.Highlighted, "#loras")
    def _show_about(self) -> None:
        """Say why the LoRA under the cursor does not fit, or what wakes it."""
        lora, saved = self._lora(self._chosen("lora")), self._saved(self._chosen("mix"))
        text = ""
        if lora:
            doubts = " ".join(problem.message for problem in lora.problems)
            wakes = f"trigger: {lora.trigger}" if lora.trigger else "no trigger words"
            text = mixer.obstacle(lora, self._model) or doubts or wakes
        elif saved:
            text = " + ".join(f"{part.name} {part.weight:g}" for part in saved.mix)
        self.query_one("#about", Static).update(text)

    def _show_captions(self) -> None:
        """Say what each picture was drawn with, and how far the next one is."""
        said = self._said
        if self._drawing:
            progress = self.world.progress.get(self._drawing[0])
            said = f"step {progress.step}/{progress.steps}" if progress else "queued"
        now = said or _caption(self._now) or "p says what to draw"
        self.query_one(BeforeAfter).caption(f"before · {_caption(self._before)}" if self._before else "", now)
        subject, faults = mixer.read_subject(self._draft)
        what = f"{subject.set_id} {subject.card}" if subject.set_id else subject.prompt
        title = f"Audition · {what[:24]} · seed {subject.settings.seed}" if not faults else "Audition"
        self.query_one("#audition").border_title = Content(title)

    def _chosen(self, kind: str) -> str:
        """Return the name under the cursor of the library, if it is of this kind."""
        found, _, name = self.query_one(LibraryRows).key.partition(":")
        return name if found == kind else ""

    def _lora(self, name: str) -> LoraInfo | None:
        return next((lora for lora in self._loras if lora.name == name), None)

    def _saved(self, name: str) -> MixInfo | None:
        return next((mix for mix in self._mixes if mix.name == name), None)

    # ------------------------------------------------------------ the faders

    def _do(self, desk: Desk, what: str = "", fader: str = "") -> None:
        """Change the mix; it is auditioned once it rests."""
        self._kept_last = False
        self._editing.do(what, desk)
        self._show(fader)
        self._soon()

    def action_take_back(self) -> None:
        """Take back what was done last: to the faders, or to the saved mixes."""
        if not self._kept_last and self._editing.undo():
            self._show()
            self._soon()
        else:
            self._kept_last = False
            self.action_undo()

    def _soon(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_S, self._rested)

    def _rested(self) -> None:
        """Draw, unless what is to be drawn is still being typed: enter comes then."""
        if not self.query_one("#subject").has_focus_within:
            self.action_audition()

    def _add(self, name: str) -> None:
        lora = self._lora(name)
        if lora and (why := mixer.obstacle(lora, self._model)):
            self.notify(why, severity="warning")
            return
        self._do(self._editing.desk.add(name, lora.weight if lora else None), fader=name)

    @on(Faders.Moved)
    def _moved(self, event: Faders.Moved) -> None:
        self._do(self._editing.desk.put(event.lora, event.weight), f"move {event.lora}", event.lora)

    def action_enter(self) -> None:
        """Put on a fader or open a mix; among the faders, type a weight."""
        if self.query_one(Faders).has_focus:
            self._type_weight(self.query_one(Faders).key)
        elif name := self._chosen("lora"):
            self._add(name)
        elif saved := self._saved(self._chosen("mix")):
            self._do(mixer.desk_of(saved.mix))

    def _type_weight(self, name: str) -> None:
        if not name:
            return
        now = next(fader.weight for fader in self._editing.desk.faders if fader.name == name)

        def take(draft: dict[str, str] | None) -> None:
            if draft:
                self._do(self._editing.desk.put(name, float(draft["weight"])), fader=name)

        self.house.push_screen(Asking(name, str(WEIGHT), (("weight", "Weight", f"{now:g}"),), _check_weight), take)

    def action_mute(self) -> None:
        """Leave a LoRA out, or let it count again."""
        if name := self.query_one(Faders).key:
            self._do(self._editing.desk.mute(name))

    def action_alone(self) -> None:
        """Hear a LoRA alone, or all of them again."""
        if name := self.query_one(Faders).key:
            self._do(self._editing.desk.alone(name))

    def action_reset(self) -> None:
        """Set a weight back to where it started."""
        if name := self.query_one(Faders).key:
            self._do(self._editing.desk.reset(name))

    def action_remove(self) -> None:
        """Take a LoRA off its fader; in the library, delete a saved mix."""
        if self.query_one(Faders).has_focus:
            if name := self.query_one(Faders).key:
                self._do(self._editing.desk.remove(name))
        elif saved := self._saved(self._chosen("mix")):
            self._delete(saved)

    def action_triggers(self) -> None:
        """Add the trigger words to what is drawn, or do not."""
        self._add_triggers = not self._add_triggers
        self._show()
        self._soon()

    # ------------------------------------------------------------ saved mixes

    def action_save(self) -> None:
        """Save the mix under a name."""
        mix = self._editing.desk.mix
        if not mix:
            self.notify("Nothing is heard: there is no mix to save.")
            return

        def take(draft: dict[str, str] | None) -> None:
            if draft:
                self._save(draft["name"].strip())

        note = "Up to 64 letters, digits, _ and -. A mix of that name is replaced."
        self.house.push_screen(Asking("Save the mix", note, (("name", "Name", ""),), _check_name), take)

    @work(group="mixes", exit_on_error=False)
    async def _save(self, name: str) -> None:
        earlier, mix = self._saved(name), self._editing.desk.mix
        if not await self.asked(self.client.save_mix(name, mix)):
            return
        if earlier:
            self.did(f"Saved “{name}”", lambda: self.client.save_mix(name, earlier.mix))
        else:
            self.did(f"Saved “{name}”", lambda: self.client.delete_mix(name))
        self._kept_last = True
        self.reload()

    @work(group="mixes", exit_on_error=False)
    async def _delete(self, saved: MixInfo) -> None:
        if await self.asked(self.client.delete_mix(saved.name)):
            self.did(f"Deleted “{saved.name}”", lambda: self.client.save_mix(saved.name, saved.mix))
            self._kept_last = True
            self.reload()

    # ------------------------------------------------------------ the audition

    @on(FormLine.Changed)
    def _typed(self) -> None:
        self._draft = {line.field: line.value for line in self.query(FormLine) if line.value}
        _, faults = mixer.read_subject(self._draft)
        for line in self.query(FormLine):
            line.complain(faults.get(line.field, "") if self._draft else "")
        self._show_captions()

    @on(FormLine.Submitted)
    def _submitted(self) -> None:
        self.action_back()
        self.action_audition()

    @work(group="audition", exit_on_error=False)
    async def action_audition(self) -> None:
        """Draw the subject with the mix as it is now; what is still being drawn is cancelled."""
        if self._timer:
            self._timer.stop()
        subject, faults = mixer.read_subject(self._draft)
        if faults:
            return
        if self._asking:
            self._again = True
            return
        self._asking = True
        try:
            await self._draw(subject)
        finally:
            self._asking = False
        if self._again:
            self._again = False
            self.action_audition()

    async def _draw(self, subject: Subject) -> None:
        if self._drawing:
            await self.asked(self.client.cancel([self._drawing[0]]))
        self._drawing, desk = None, self._editing.desk
        dealt = await self._submit(subject, self._settings(subject))
        if dealt:
            self._drawing, self._said = (dealt.jobs[0], desk), ""
            self._show_captions()
            self._catch_up()

    async def _submit(self, subject: Subject, settings: Settings) -> Dealt | None:
        if subject.set_id:
            card = [subject.card]
            return await self.asked(self.client.deal(subject.set_id, "", settings, card, priority=INTERACTIVE))
        drawing = self.client.generate(subject.prompt, 1, settings, "audition", priority=INTERACTIVE)
        return await self.asked(drawing)

    def _settings(self, subject: Subject) -> Settings:
        return replace(subject.settings, mix=self._editing.desk.mix, add_triggers=self._add_triggers)

    def _catch_up(self) -> None:
        """Show the audition if it is finished; that may have been while another screen was looked at."""
        if self._drawing is None:
            return
        job, desk = self._drawing
        if take := next((take for take in self.world.landed if take.job == job), None):
            self._before, self._now = self._now, Heard(take.id, desk)
            self._end("")

    def _end(self, said: str) -> None:
        """The audition is over: show it, or why there is none."""
        self._drawing, self._said = None, said
        self._show_heard()

    def _show_heard(self) -> None:
        before, now = (str(heard.take) if heard else "" for heard in (self._before, self._now))
        self.query_one(BeforeAfter).show(before, now)
        self._show_captions()

    def action_swap(self) -> None:
        """Go back to the mix before; and forth again."""
        if self._before and self._now:
            self._before, self._now = self._now, self._before
            self._editing.do("", self._now.desk)
            self._show()
            self._show_heard()

    def action_grid(self) -> None:
        """Draw the subject with several weights, as a grid."""
        subject, faults = mixer.read_subject(self._draft)
        if faults:
            self.action_subject()
            return
        names = self._editing.desk.names
        chosen = self.query_one(Faders).key
        fields = [(f"lora:{name}", name, "0, 0.5, 1" if name == chosen else "") for name in names]

        def check(draft: Mapping[str, str]) -> dict[str, str]:
            return mixer.read_axes(draft, names)[1]

        def take(draft: dict[str, str] | None) -> None:
            if draft:
                self._grid(subject, draft)

        note = "Values with commas; the first two axes run across and down. What is empty stays as it is."
        fields += [("steps", "Steps", ""), ("seed", "Seed", "")]
        self.house.push_screen(Asking("Grid of weights", note, fields, check), take)

    @work(group="grid", exit_on_error=False)
    async def _grid(self, subject: Subject, draft: dict[str, str]) -> None:
        axes, _ = mixer.read_axes(draft, self._editing.desk.names)
        card = subject.card if subject.set_id else None
        prompt = "" if subject.set_id else subject.prompt
        dealt = await self.asked(self.client.grid(axes, prompt, subject.set_id, card, settings=self._settings(subject)))
        if dealt:
            self.notify(f"{number_of(len(dealt.jobs), 'cell')} of a grid are queued; 4 shows them.")
            self.house.go("queue", ShowBatch(dealt.batch.id))

    # ------------------------------------------------------------ moving about

    def action_subject(self) -> None:
        """Say what to audition."""
        self.query_one("#audition").add_class("-editing")
        self.call_after_refresh(self.query(FormLine).first().enter)

    def action_filter(self) -> None:
        """Filter the library."""
        self.query_one(FilterLine).open()

    @on(FilterLine.Filtered)
    def _filter(self, event: FilterLine.Filtered) -> None:
        self.query_one(LibraryRows).filter(event.words)

    @on(FilterLine.Left)
    def _filter_left(self) -> None:
        self.query_one(LibraryRows).focus()

    def action_back(self) -> None:
        """Go to the faders."""
        self.query_one("#audition").remove_class("-editing")
        self.query_one(Faders).focus()


def _caption(heard: Heard | None) -> str:
    """Return what an audition was drawn with."""
    if heard is None:
        return ""
    return " + ".join(f"{lora.name} {lora.weight:g}" for lora in heard.desk.mix) or "without LoRAs"


def _check_weight(draft: Mapping[str, str]) -> dict[str, str]:
    try:
        WEIGHT.read(draft["weight"])
    except ValueError as error:
        return {"weight": str(error)}
    return {}


def _check_name(draft: Mapping[str, str]) -> dict[str, str]:
    return {} if draft["name"].strip() else {"name": "A mix needs a name."}
