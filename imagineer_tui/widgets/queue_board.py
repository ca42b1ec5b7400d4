"""The queue as a list, the line under the cursor in full below it, and the keys that steer what the line stands for."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from imagineer_tui import queue_orders
from imagineer_tui.intents import ShowBatch
from imagineer_tui.model import board, steering
from imagineer_tui.widgets.filter_line import filter_of
from imagineer_tui.widgets.job_detail import JobDetail
from imagineer_tui.widgets.queue_rows import HEADINGS, QueueRows
from imagineer_tui.widgets.rows import Rows

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.board import Line
    from imagineer_tui.model.world import World
    from imagineerd.jobs import Job

EVERYWHERE: Final = {"pause", "pause_now"}
"""What a key does that needs no line."""


class QueueBoard(Vertical):
    """Lies on a screen of the app, whose world it draws and whose daemon it asks."""

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
        Binding("z", "screen.undo", "undo", id="queue.undo", show=False),
        Binding("enter,space", "unfold", "unfold", id="queue.unfold", key_display="enter"),
        Binding("o", "open_batch", "see it in the gallery", id="queue.open", show=False),
        Binding("slash", "filter", "filter", id="queue.filter", key_display="/", show=False),
    ]
    DEFAULT_CSS = """
    QueueBoard {
        #lines { height: 1fr; }
    }
    """

    def __init__(self, opened: set[str], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self.border_title = "Queue"
        self._opened = opened
        self._history: tuple[Job, ...] = ()
        self._wanted = ""
        self._fresh = True

    def compose(self) -> ComposeResult:
        """Put the list above what there is to know of a line."""
        yield QueueRows(id="lines")
        yield JobDetail()

    # ------------------------------------------------------------ what the screen tells

    def begin(self) -> None:
        """Have the cursor on what is drawn now."""
        self._fresh = True

    def highlight(self, batch: str) -> None:
        """Have the cursor on a batch, once it is there."""
        self._wanted = batch
        self.draw()

    def remember(self, history: tuple[Job, ...]) -> None:
        """Show these jobs of earlier times, too."""
        self._history = history
        self.draw()

    def draw(self) -> None:
        """Bring the list up to date; only lines that differ are drawn."""
        now = monotonic()
        rows = self.query_one(QueueRows)
        lines = board.lines(self._world, self._history, self._opened, now)
        rows.show(lines, board.left(self._world, now), board.awaited(self._world), paused=self._world.paused)
        if self._fresh:
            rows.action_jump(0)
            self._fresh = False
        if self._wanted:
            key = next((key for key in rows.keys if key.endswith(f":{self._wanted}")), "")
            rows.select(key or rows.key)
            self._wanted = "" if key else self._wanted

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool:
        """What acts on a line counts only while the lines can be seen."""
        covered = self._framed.has_class("-looking") and not self._framed.is_wide
        return action in EVERYWHERE or not covered

    # ------------------------------------------------------------ the line under the cursor

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self.query_one(QueueRows).line

    @on(Rows.Highlighted, "#lines")
    def _highlighted(self) -> None:
        line, job, detail = self.line, self._job_alone, self.query_one(JobDetail)
        batch = self._world.batches.get(line.batch) if line else None
        if job:
            detail.show_job(job)
        elif batch:
            detail.show_batch(batch)
        else:
            detail.clear()

    @property
    def _job_alone(self) -> Job | None:
        """The job under the cursor, where the line is one card."""
        line = self.line
        return self._job(line.jobs[0]) if line and len(line.jobs) == 1 and not line.whole else None

    def _job(self, number: int) -> Job | None:
        return self._world.jobs.get(number) or next((job for job in self._history if job.id == number), None)

    @on(Rows.Opened, "#lines")
    def action_unfold(self) -> None:
        """Show the cards of a batch, or hide them."""
        line = self.line
        if line and not line.key.startswith("job:"):
            self._opened ^= {line.key}
            if line.batch not in {job.batch for job in self._world.jobs.values()}:
                self._framed.house.load_batch(line.batch)
            self.draw()

    def action_open_batch(self) -> None:
        """See the batch in the gallery, at its card where the line is one."""
        if line := self.line:
            job = self._job_alone
            self._framed.house.go("gallery", ShowBatch(line.batch, job.slot if job else 0))

    def action_filter(self) -> None:
        """Type words to look for."""
        filter_of(self.query_one(QueueRows)).open()

    # ------------------------------------------------------------ steering

    @work(group="steer", exit_on_error=False)
    async def action_pause(self, *, now: bool = False) -> None:
        """Begin no more cards; or go on."""
        await queue_orders.pause(self._framed, now=now)

    def action_pause_now(self) -> None:
        """Stop at once, between two steps."""
        self.action_pause(now=True)

    @work(group="steer", exit_on_error=False)
    async def action_cancel(self) -> None:
        """Cancel the card, or what is left of the batch."""
        if line := self._target("now", "waiting", "held"):
            await queue_orders.cancel(self._framed, line)

    @work(group="steer", exit_on_error=False)
    async def action_retry(self) -> None:
        """Queue again what failed, was cancelled or is held."""
        if line := self._target("held", "done"):
            jobs = [job for number in line.jobs if (job := self._job(number))]
            await queue_orders.retry(self._framed, line, jobs)

    @work(group="steer", exit_on_error=False)
    async def action_hold(self) -> None:
        """Hold what waits; release what is held."""
        if line := self._target("waiting", "held"):
            await queue_orders.hold(self._framed, line)

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
    async def _move(self, where: queue_orders.Where) -> None:
        if line := self._target("waiting"):
            await queue_orders.move(self._framed, line, where)

    @work(group="steer", exit_on_error=False)
    async def action_priority(self, sign: int) -> None:
        """Let it go before others, or after."""
        if line := self._target("waiting"):
            await queue_orders.prioritize(self._framed, line, sign)

    def _target(self, *sections: board.Section) -> Line | None:
        """Return the line under the cursor, where the key makes sense there; else say that it does not."""
        line = self.line
        if line and line.section in sections and (line.jobs or line.whole):
            return line
        where = " or ".join(HEADINGS[section] for section in sections)
        self.notify(f"This key is for lines below {where}." if line else "There is nothing here.")
        return None

    @property
    def _framed(self) -> Framed:
        return cast("Framed", self.screen)

    @property
    def _world(self) -> World:
        return self._framed.world
