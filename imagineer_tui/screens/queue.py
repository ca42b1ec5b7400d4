"""4 Queue: what is drawn, what waits and what ended; steer it, and see the card that is being drawn."""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch
from imagineer_tui.model import board, queue
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.live_panel import LivePanel
from imagineer_tui.widgets.offer import Offer
from imagineer_tui.widgets.queue_board import QueueBoard
from imagineer_tui.widgets.queue_rows import QueueRows
from imagineer_tui.widgets.thumbnail import Thumb

if TYPE_CHECKING:
    from imagineer_tui.model.world import Progress
    from imagineerd.protocol import Preview, Take

HISTORY: Final = 50
"""Failed and held jobs of earlier times that are asked for."""


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
        Binding("v", "look", "look", id="queue.look", tooltip="see the card that is drawn instead of the list"),
    ]
    DEFAULT_CSS = """
    QueueScreen {
        #columns { height: 1fr; layers: below above; }
        #board { width: 1fr; }
        LivePanel { width: 44; }
        &.-wide LivePanel #landed { height: 22; max-height: 60%; }
        &.-huge LivePanel { width: 72; }
        &.-narrow.-low JobDetail { max-height: 40%; }
        &.-normal LivePanel, &.-narrow LivePanel {
            display: none; layer: above; position: absolute; width: 100%; height: 100%; layout: horizontal;
            #live { width: 2fr; height: 100%; }
            #landed { width: 3fr; height: 100%; }
        }
        &.-normal LivePanel { #live { width: 24; } #landed { width: 1fr; } }
        &.-low Offer #bigger { display: none; }
        &.-low.-narrow Offer Static { text-wrap: nowrap; text-overflow: ellipsis; }
        &.-wide Offer, &.-huge Offer { layout: horizontal; Static { width: auto; margin-right: 1; } }
        /* Over the list, which keeps the focus: what needs no line counts while one looks. */
        &.-normal.-looking LivePanel, &.-narrow.-looking LivePanel { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._opened: set[str] = set()

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """The list and what is beside it; below both, after the very first deck, what there is to do with it."""
        with Horizontal(id="columns"):
            yield QueueBoard(self._opened, id="board")
            yield LivePanel(self.house.drawings, self._load_picture, self.house.images, self.house.terminal)
        yield Offer()

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(QueueRows).focus()

    def memory(self) -> Memory:
        """Keep what is unfolded."""
        return {"opened": sorted(self._opened)}

    def recall(self, memory: Memory) -> None:
        """Unfold it again."""
        self._opened.update(map(str, memory.get("opened", ())))

    def arrive(self, intent: object) -> None:
        """Highlight a batch."""
        if isinstance(intent, ShowBatch):
            self.query_one(QueueBoard).highlight(intent.batch_id)
            if len(self.world.decks) <= 1:  # of the very first deck one wants to see the cards
                self._look(on=True)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool:
        """Where there is room for both, there is nothing to choose."""
        return action != "look" or not self.is_wide

    # ------------------------------------------------------------ what there is to see

    @work(group="history", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """Ask for what failed or is held since earlier times."""
        from imagineerd.jobs import State

        self.draw()
        self.call_after_refresh(self.watch_previews)
        found = await self.asked(self.client.jobs((State.FAILED, State.HELD), limit=HISTORY))
        if found:
            self.query_one(QueueBoard).remember(found.jobs)

    def on_queue_changed(self) -> None:
        """Jobs or batches changed: cards that landed before their jobs were known have a name now."""
        self.draw()
        self._show_landed()

    def on_progressed(self) -> None:
        """Running jobs took steps."""
        self.draw()
        self._tell_drawn()

    def on_status_changed(self) -> None:
        """The queue was paused or goes on; the worker does something else."""
        self.draw()
        self._tell_drawn()

    def on_resize(self) -> None:
        """There may be room for the live panel now, or none any more."""
        self.call_after_refresh(self.refresh_bindings)
        if self.world.connection.live:
            self.call_after_refresh(self.watch_previews)

    def on_deck_finished(self) -> None:
        """After the very first deck, say what there is to do with it."""
        self.query_one(Offer).display = len(self.world.decks) == 1

    def on_images_changed(self) -> None:
        """Show pictures another way."""
        self.query_one(LivePanel).show_as(self.house.images)

    def draw(self) -> None:
        """Bring the list up to date; what is offered after the very first deck goes with the second one."""
        self.query_one(QueueBoard).draw()
        if len(self.world.decks) > 1:
            self.query_one(Offer).display = False

    # ------------------------------------------------------------ the card that is being drawn

    def on_screen_resume(self) -> None:
        """Begin with what is drawn now; while the daemon is away, with what was known last."""
        self.query_one(QueueBoard).begin()
        self.on_queue_changed()

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
                        panel.show(preview)
                        panel.announce(queue.name_of(self.world.jobs[preview.job]), _step(preview))

    def _drawn(self) -> int:
        """Return the running job to look at: the one under the cursor, else the first."""
        line, jobs = self.query_one(QueueBoard).line, [job.id for job in queue.running(self.world)]
        chosen = [job for job in jobs if line and line.jobs == (job,)]
        return next(iter(chosen or jobs), 0)

    def _show_landed(self) -> None:
        panel = self.query_one(LivePanel)
        left = len(queue.running(self.world)) + len(queue.waiting(self.world))
        panel.land([self._thumb(take) for take in self.world.landed], f"{left} to come" if left else "")
        self._tell_drawn()

    def _tell_drawn(self) -> None:
        panel, job = self.query_one(LivePanel), self.world.jobs.get(self._drawn())
        progress = self.world.progress.get(job.id) if job else None
        awaited = board.awaited(self.world)
        if job is None:
            panel.rest(awaited)
        else:
            panel.announce(queue.name_of(job), _step(progress) if progress else "begins", awaited)

    def _thumb(self, take: Take) -> Thumb:
        job = self.world.jobs.get(take.job)
        return Thumb(str(take.id), queue.name_of(job) if job else take.file, blurred=bool(take.is_nsfw))

    async def _load_picture(self, key: str) -> bytes:
        return await self.client.picture(int(key))

    def action_look(self) -> None:
        """Where there is no room for both, see the card that is drawn instead of the list, or the list again."""
        self._look(on=not self.has_class("-looking"))

    def _look(self, *, on: bool) -> None:
        self.set_class(on, "-looking")
        self.refresh_bindings()
        self.call_after_refresh(self.watch_previews)


def _step(at: Preview | Progress) -> str:
    return f"step {at.step}/{at.steps}"
