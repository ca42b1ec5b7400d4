"""4 Queue: what is drawn, what waits and what ended; steer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch
from imagineer_tui.model import board, queue, steering
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.job_detail import JobDetail
from imagineer_tui.widgets.live_panel import LivePanel
from imagineer_tui.widgets.queue_rows import QueueRows
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.words import clock, number_of

if TYPE_CHECKING:
    from imagineer_tui.model.board import Line
    from imagineer_tui.model.world import World
    from imagineerd.jobs import Job
    from imagineerd.protocol import Take

HISTORY: Final = 50
"""Failed and held jobs of earlier times that are asked for."""
STEP: Final = 10
"""What `+` and `-` add to a priority."""

OFFER: Final = (
    "[b $accent]5[/] to see them, [b $accent]3[/] to mix a LoRA in, [b $accent]1[/] to deal another deck. "
    "[b $accent]F2[/] and model.default change to Stable Diffusion 1.5."
)


class QueueScreen(Framed):
    """One list, the line under the cursor in full below it, and the card that is being drawn beside it."""

    NAME = "queue"
    TITLE = "Queue"
    HELP = (
        "What is drawn now, what waits in its order, what is held, and what ended. Keys act on the line under the "
        "cursor: on a card, or on all cards of a batch that are still to come. Enter unfolds a batch.\n\n"
        "p lets the running cards finish and begins no other; P stops them between two steps and puts them back. "
        "Neither is lost when the daemon restarts. What is cancelled can be queued again with r or z."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "pause", id="queue.pause"),
        Binding("P", "pause_now", "pause at once", id="queue.pause_now", show=False),
        Binding("c", "cancel", "cancel", id="queue.cancel"),
        Binding("r", "retry", "retry", id="queue.retry"),
        Binding("K", "move_up", "move up", id="queue.up", key_display="K/J"),
        Binding("J", "move_down", "move down", id="queue.down", show=False),
        Binding("t", "move_to('top')", "to the top", id="queue.top", show=False),
        Binding("b", "move_to('bottom')", "to the bottom", id="queue.bottom", show=False),
        Binding("plus", "priority(1)", "higher priority", id="queue.higher", key_display="+", show=False),
        Binding("minus", "priority(-1)", "lower priority", id="queue.lower", key_display="-", show=False),
        Binding("x", "hold", "hold, or release", id="queue.hold", show=False),
        Binding("z", "undo", "undo", id="queue.undo"),
        Binding("enter,space", "unfold", "unfold", id="queue.unfold", key_display="enter"),
        Binding("v", "look", "look at the card that is drawn", id="queue.look", show=False),
        Binding("o", "open_batch", "see it in the gallery", id="queue.open", show=False),
    ]
    DEFAULT_CSS = """
    QueueScreen {
        #body { layout: horizontal; }
        #board { width: 1fr; }
        #lines { height: 1fr; }
        #offer { display: none; padding: 0 1; border-top: solid $border-blurred; }
        LivePanel { width: 44; }
        &.-huge LivePanel { width: 72; }
        &.-normal LivePanel, &.-narrow LivePanel { display: none; width: 100%; }
        &.-normal.-looking LivePanel, &.-narrow.-looking LivePanel { display: block; }
        &.-normal.-looking #board, &.-narrow.-looking #board { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._opened: set[str] = set()
        self._history: tuple[Job, ...] = ()
        self._wanted = ""
        self._fresh = True

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """The list and what is beside it."""
        with Vertical(id="board", classes="panel") as panel:
            panel.border_title = "Queue"
            yield QueueRows(id="lines")
            yield JobDetail()
            yield Static(OFFER, id="offer")
        yield LivePanel(self.house.drawings, self.house.images.small)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(QueueRows).focus()

    def memory(self) -> Memory:
        """Keep what is unfolded."""
        return {"opened": sorted(self._opened)}

    def recall(self, memory: Memory) -> None:
        """Unfold it again."""
        self._opened = set(map(str, memory.get("opened", ())))

    def arrive(self, intent: object) -> None:
        """Highlight a batch."""
        if isinstance(intent, ShowBatch):
            self._wanted = intent.batch_id
            self.draw()

    # ------------------------------------------------------------ what there is to see

    @work(group="history", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """Ask for what failed or is held since earlier times."""
        from imagineerd.jobs import State

        self.draw()
        self.call_after_refresh(self.watch_previews)
        found = await self.asked(self.client.jobs((State.FAILED, State.HELD), limit=HISTORY))
        if found:
            self._history = found.jobs
            self.draw()

    def on_queue_changed(self) -> None:
        """Jobs or batches changed: cards that landed before their jobs were known have a name now."""
        self.draw()
        self._show_landed()

    def on_deck_finished(self) -> None:
        """After the very first deck, say what there is to do with it."""
        self.query_one("#offer").display = len(self.world.batches) == 1

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self.query_one(LivePanel).show_as(self.house.images.small)

    def on_screen_resume(self) -> None:
        """Begin with what is drawn now."""
        self._fresh = True

    def on_screen_suspend(self) -> None:
        """Nobody looks: nothing need be sent."""
        self.workers.cancel_group(self, "live")

    @work(group="live", exclusive=True, exit_on_error=False)
    async def watch_previews(self) -> None:
        """Show the card that is being drawn, while somebody looks."""
        from imagineerd.errors import ImagineerError
        from imagineerd.protocol import WatchPreviews

        self._show_landed()
        panel = self.query_one(LivePanel)
        if not panel.looks:
            return
        with suppress(ImagineerError):  # the banner says that the daemon is away; `reload` comes when it is back
            async with aclosing(self.client.previews(WatchPreviews(max_side=panel.max_side))) as previews:
                async for preview in previews:
                    if preview.job == self._drawn():
                        panel.show(preview, queue.name_of(self.world.jobs[preview.job]))

    def _drawn(self) -> int:
        """Return the running job to look at: the one under the cursor, else the first."""
        line, jobs = self.query_one(QueueRows).line, [job.id for job in queue.running(self.world)]
        chosen = [job for job in jobs if line and line.jobs == (job,)]
        return next(iter(chosen or jobs), 0)

    def _show_landed(self) -> None:
        takes = [(str(take.id), self._name_of(take)) for take in self.world.landed]
        self.query_one(LivePanel).land(takes)

    def _name_of(self, take: Take) -> str:
        job = self.world.jobs.get(take.job)
        return queue.name_of(job) if job else take.file

    def on_progressed(self) -> None:
        """Running jobs took steps."""
        self.draw()

    def on_status_changed(self) -> None:
        """The queue was paused or goes on."""
        self.draw()

    def draw(self) -> None:
        """Bring the list up to date; only lines that differ are drawn."""
        now = monotonic()
        rows = self.query_one(QueueRows)
        rows.show(board.lines(self.world, self._history, self._opened, now), paused=self.world.paused)
        if self._fresh:
            rows.action_jump(0)
            self._fresh = False
        if self._wanted:
            key = next((key for key in rows.keys if key.endswith(f":{self._wanted}")), "")
            rows.select(key or rows.key)
            self._wanted = "" if key else self._wanted
        self.query_one("#board").border_subtitle = self._left(now)

    def _left(self, now: float) -> str:
        """Return how long all that is to come takes."""
        jobs = [*queue.running(self.world), *queue.waiting(self.world)]
        left = queue.seconds_left(self.world, queue.steps_left(self.world, jobs), now)
        if not jobs:
            return ""
        rate = self.world.pace.rate(now)
        speed = f"{rate:.1f} it/s" if rate else ""
        parts = [number_of(len(jobs), "card"), f"{clock(left)} left" if left is not None else "", speed]
        return " · ".join(part for part in parts if part)

    @on(Rows.Highlighted, "#lines")
    def _highlighted(self) -> None:
        line, detail = self.query_one(QueueRows).line, self.query_one(JobDetail)
        batch = self.world.batches.get(line.batch) if line else None
        job = self._job(line.jobs[0]) if line and len(line.jobs) == 1 and not line.whole else None
        if job:
            detail.show_job(job)
        elif batch:
            detail.show_batch(batch)
        else:
            detail.clear()

    def _job(self, number: int) -> Job | None:
        return self.world.jobs.get(number) or next((job for job in self._history if job.id == number), None)

    # ------------------------------------------------------------ keys

    def action_unfold(self) -> None:
        """Show the cards of a batch, or hide them."""
        line = self.query_one(QueueRows).line
        if line and not line.key.startswith("job:"):
            self._opened ^= {line.key}
            if line.batch not in {job.batch for job in self.world.jobs.values()}:
                self.house.load_batch(line.batch)
            self.draw()

    def action_open_batch(self) -> None:
        """See the batch in the gallery."""
        if line := self.query_one(QueueRows).line:
            self.house.go("gallery", ShowBatch(line.batch))

    def action_look(self) -> None:
        """Where there is no room for both, see the card that is drawn instead of the list, or the list again."""
        self.toggle_class("-looking")
        self.call_after_refresh(self.watch_previews)

    def action_pause(self) -> None:
        """Begin no more cards; or go on."""
        self._steer(self.client.resume if self.world.paused else self.client.pause)

    def action_pause_now(self) -> None:
        """Stop at once, between two steps."""
        self._steer(lambda: self.client.pause(now=True))

    @work(group="steer", exit_on_error=False)
    async def _steer(self, ask: Callable[[], Awaitable[object]]) -> None:
        await self.asked(ask())

    @work(group="steer", exit_on_error=False)
    async def action_cancel(self) -> None:
        """Cancel the card, or what is left of the batch."""
        if (line := self._target("now", "waiting", "held")) is None:
            return
        done = await self.asked(self.client.cancel(line.jobs))
        if done and (jobs := done.cancelled + done.stopping):
            self.did(f"Cancelled {number_of(len(jobs), 'card')}", lambda: self.client.retry(jobs))

    @work(group="steer", exit_on_error=False)
    async def action_retry(self) -> None:
        """Queue again what failed, was cancelled or is held."""
        line = self._target("held", "done")
        jobs = [job for number in line.jobs if (job := self._job(number))] if line else []
        again = [job.id for job in jobs if job.state.value in {"failed", "cancelled", "held"}]
        if line and again:
            done = await self.asked(self.client.retry(again))
            if done:
                self.notify(f"{number_of(len(done.jobs), 'card')} queued again.")
        elif line:
            self.notify("Nothing of this failed or was cancelled.")

    @work(group="steer", exit_on_error=False)
    async def action_hold(self) -> None:
        """Hold what waits; release what is held."""
        if (line := self._target("waiting", "held")) is None:
            return
        if line.section == "held":
            await self.asked(self.client.release(line.jobs))
        elif await self.asked(self.client.hold(line.jobs)):
            self.did(f"Held {number_of(len(line.jobs), 'card')}", lambda: self.client.release(line.jobs))

    def action_move_up(self) -> None:
        """Before what stands before it."""
        self._move(steering.up)

    def action_move_down(self) -> None:
        """Behind what stands behind it."""
        self._move(steering.down)

    def action_move_to(self, end: steering.End) -> None:
        """To an end of the queue."""
        self._move(lambda _world, jobs: steering.Place(jobs, end=end))

    @work(group="steer", exit_on_error=False)
    async def _move(self, where: Callable[[World, tuple[int, ...]], steering.Place | None]) -> None:
        line = self._target("waiting")
        place = where(self.world, line.jobs) if line else None
        if line is None or place is None:
            return
        back = steering.where_it_stands(self.world, line.jobs)
        if await self.asked(self._put(place)):
            self.did("Moved", lambda: self._put(back))

    def _put(self, place: steering.Place) -> Awaitable[object]:
        return self.client.move(place.jobs, end=place.end, before=place.before)

    @work(group="steer", exit_on_error=False)
    async def action_priority(self, sign: int) -> None:
        """Let it go before others, or after."""
        if line := self._target("waiting"):
            now = self.world.jobs[line.jobs[0]].priority
            wanted = max(-100, min(100, now + sign * STEP))
            if await self.asked(self.client.set_priority(wanted, line.jobs)):
                self.did(f"Priority {wanted:+}", lambda: self.client.set_priority(now, line.jobs))

    def _target(self, *sections: board.Section) -> Line | None:
        """Return the line under the cursor, where the key makes sense there; else say that it does not."""
        line = self.query_one(QueueRows).line
        if line and line.section in sections and line.jobs:
            return line
        self.notify("Not possible here: " + " or ".join(sections) + " only." if line else "There is nothing here.")
        return None
