"""The same card drawn with every mix: what to draw, what was heard before, what is heard now."""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec.structs import replace
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from imagineer_tui.model.audition import Auditions, Subject, offer_of
from imagineer_tui.model.mixer import Desk
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Choice
from imagineer_tui.widgets.before_after import BeforeAfter
from imagineer_tui.widgets.subject_form import SubjectForm
from imagineer_tui.widgets.titles import entitle
from imagineerd.jobs import INTERACTIVE

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineerd.protocol import Axis, Dealt, EventBody, Settings

PAUSE_S: Final = 0.4
"""Seconds without a change after which an audition is drawn."""
NOTHING_YET: Final = "drawn with every mix; p says what to draw"
RATE: Final = 5.0
"""Previews a second: as many as are shown of one (`live_preview.SHORTEST_S`)."""


class Audition(Vertical):
    """Draws the subject with the mix that it was given, soon after each `rest`; what is drawn then is cancelled."""

    class Left(Message):
        """What to draw was said; the faders should have the focus."""

    def __init__(self, images: Choice, terminal: Terminal) -> None:
        super().__init__(id="audition", classes="panel")
        self._images, self._terminal = images, terminal
        self._form = SubjectForm()
        self._desk = Desk()
        self._add_triggers = False
        self._auditions = Auditions()
        self._asking = self._again = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Put what to draw above the pictures."""
        yield self._form
        yield BeforeAfter(self._load, self._images, self._terminal)

    @property
    def _framed(self) -> Framed:
        return cast("Framed", self.screen)

    async def _load(self, key: str) -> bytes:
        return await self._framed.client.picture(int(key))

    # ------------------------------------------------------------ what to draw

    @property
    def draft(self) -> dict[str, str]:
        """What to draw, as it is typed."""
        return self._form.draft

    @property
    def subject(self) -> Subject | None:
        """What to draw; None where something is wrong with it."""
        if not self._auditions.now and not self._auditions.job:
            self._form.offer(offer_of(self._framed.world.decks))
        return self._form.subject

    def fill(self, draft: dict[str, Any]) -> None:
        """Write down what to draw."""
        self._form.fill(draft)

    def edit(self) -> None:
        """Have it typed."""
        self.add_class("-editing")
        self._form.edit()

    def leave(self) -> None:
        """Show the pictures, where there is no room for both."""
        self.remove_class("-editing")
        self._form.leave()

    @on(SubjectForm.Changed)
    def _typed(self) -> None:
        self.show_captions()

    @on(SubjectForm.Submitted)
    def _submitted(self) -> None:
        self.post_message(self.Left())
        self.draw()

    # ------------------------------------------------------------ drawing it

    def take(self, desk: Desk, *, add_triggers: bool) -> None:
        """From now on this mix is drawn."""
        self._desk, self._add_triggers = desk, add_triggers

    def rest(self) -> None:
        """Draw, unless another mix comes right after this one."""
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_S, self._rested)

    def _rested(self) -> None:
        """Draw, unless what is to be drawn is still being typed: enter comes then."""
        if not self._form.has_focus_within:
            self.draw()

    @work(group="audition", exit_on_error=False)
    async def draw(self) -> None:
        """Draw the subject with the mix as it is now; what is still being drawn is cancelled."""
        if self._timer:
            self._timer.stop()
        self._again = True
        if self._asking:
            return
        self._asking = True
        try:
            while self._again and (subject := self.subject):
                self._again = False
                await self._draw(subject)
        finally:
            self._asking = self._again = False

    async def _draw(self, subject: Subject) -> None:
        if job := self._auditions.supersede():
            await self._framed.asked(self._framed.client.cancel([job]))
        desk = self._desk
        if dealt := await self._framed.asked(self._submit(subject)):
            self._auditions.begin(dealt.jobs[0], desk)
            self.watch_job()
        self.catch_up()

    async def _submit(self, subject: Subject) -> Dealt:
        client, settings = self._framed.client, self._settings_of(subject)
        if subject.set_id:
            cards = [subject.card]
            return await client.deal(
                subject.set_id, subject.prompt, settings, cards, priority=INTERACTIVE, audition=True
            )
        return await client.generate(
            subject.prompt, 1, settings, f"audition of {subject}", priority=INTERACTIVE, audition=True
        )

    def _settings_of(self, subject: Subject) -> Settings:
        return replace(subject.settings, mix=self._desk.mix, add_triggers=self._add_triggers)

    async def deal_grid(self, subject: Subject, axes: tuple[Axis, ...]) -> Dealt | None:
        """Draw a subject with several weights, as a grid."""
        client, settings = self._framed.client, self._settings_of(subject)
        if subject.set_id:
            grid = client.grid(axes, "", subject.set_id, subject.card, subject.prompt, settings)
        else:
            grid = client.grid(axes, subject.prompt, settings=settings)
        return await self._framed.asked(grid)

    @work(group="live", exclusive=True, exit_on_error=False)
    async def watch_job(self) -> None:
        """Show how far the audition is, while somebody looks."""
        from imagineerd.errors import ImagineerError
        from imagineerd.protocol import WatchPreviews

        pictures, job = self.query_one(BeforeAfter), self._auditions.job
        if not job or not (max_side := pictures.max_side):
            return
        wish = WatchPreviews(job=job, max_side=max_side, rate=RATE)
        with suppress(ImagineerError):  # the banner says that the daemon is away; the take comes without
            async with aclosing(self._framed.client.previews(wish)) as previews:
                async for preview in previews:
                    if preview.job == self._auditions.job:
                        pictures.show_live(preview)

    def look_away(self) -> None:
        """Nobody looks: nothing need be sent."""
        self.workers.cancel_group(self, "live")

    # ------------------------------------------------------------ what became of it

    def happened(self, event: EventBody) -> None:
        """Take in what the daemon told."""
        from imagineerd.protocol import JobMoved, TakeAdded

        match event:
            case TakeAdded():
                self.catch_up()
            case JobMoved(job=job, state=state, error=error) if job == self._auditions.job:
                self._auditions.note(state.value, error.message if error else "")
                self.catch_up()

    def catch_up(self) -> None:
        """Show what is finished; that may have been while another screen was looked at."""
        world = self._framed.world
        if job := world.jobs.get(self._auditions.job):
            self._auditions.note(job.state.value, job.error.message if job.error else "")
        idle = self._auditions.land(world.landed)
        if idle:
            self._throw_away(idle)
        if not self._auditions.job:
            self.look_away()
            self.query_one(BeforeAfter).settle()
        self._show()

    @work(group="idle", exit_on_error=False)
    async def _throw_away(self, takes: list[int]) -> None:
        await self._framed.asked(self._framed.client.delete(takes))

    def swap(self) -> Desk | None:
        """Go back to the mix before, and forth again; return it, None where there is none."""
        desk = self._auditions.swap()
        self._show()
        return desk

    def show_as(self, images: Choice) -> None:
        """Show pictures another way."""
        self._images = images
        self.query_one(BeforeAfter).show_as(images)

    def _show(self) -> None:
        auditions = self._auditions
        left, right = auditions.left, auditions.right or auditions.now
        self.query_one(BeforeAfter).show(str(left.take) if left else "", str(right.take) if right else "")
        self.show_captions()

    def show_captions(self) -> None:
        """Say what each picture was drawn with, and how far the next one is."""
        auditions = self._auditions
        fault = f"✗ {auditions.fault}" if auditions.fault else ""
        left, right = auditions.captions
        now = self._progress or fault or right or NOTHING_YET
        self.query_one(BeforeAfter).caption(left and f"before · {left}", now)
        subject = self.subject
        title = f"Audition · {str(subject)[:24]} · seed {subject.settings.seed}" if subject else "Audition"
        entitle(self, title)

    @property
    def _progress(self) -> str:
        if not self._auditions.job:
            return ""
        progress = self._framed.world.progress.get(self._auditions.job)
        return f"step {progress.step}/{progress.steps}" if progress else "queued"
