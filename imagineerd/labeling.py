"""The lane of labels: jobs go to containers, several at a time, and rest as a whole where none can be labelled.

A labeler that may not work for now (its account has reached a limit, the login expired, the engine is away) is nothing
that is wrong with a picture: the job goes back to its place, uncounted, and the lane waits, longer each time. The
worker process is started for the first label and not before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from imagineerd import link, protocol
from imagineerd.dispatch import Dispatcher
from imagineerd.errors import WrongState
from imagineerd.jobs import LABELS_GROUP, Job, JobError, LabelSpec
from imagineerd.keeper import Keeper
from imagineerd.labels.answers import Answer
from imagineerd.labels.noting import Noting
from imagineerd.logs import pairs
from imagineerd.orders import Orders
from imagineerd.scheduler import Waiting
from imagineerd.store import Store
from imagineerd.store.labeling import NewLabel
from imagineerd.store.outbox import StoredEvent
from imagineerd.workers import COMMAND, WorkerProcess

log = logging.getLogger("imagineerd.labeling")

REST_S: Final = (30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds that the lane rests after the n-th limit in a row, where it was not told until when; the first of them after
anything else, which a person may mend at any time."""
LONGEST_REST_S: Final = 6 * 3600.0
"""What a labeler says of its limit is believed up to here."""
GRACE_S: Final = 60.0
"""Seconds beside its time-outs for which the worker may be silent."""
TRIES: Final = 2
"""Containers that the worker runs for one picture at most (`worker.kinds.label`)."""


class Labeling(Dispatcher):
    """The dispatcher of lane `io`."""

    def __init__(  # noqa: PLR0913 - it joins the parts of the daemon
        self,
        store: Store,
        orders: Orders,
        beside: Callable[[protocol.Beside], None],
        *,
        noting: Noting,
        labeler: Callable[[], link.Labeler],
        concurrency: Callable[[], int],
    ) -> None:
        super().__init__(store, orders, beside, hang_s=GRACE_S, command=(*COMMAND, "--lane", "io"), lane="io")
        self.noting = noting
        self.labeler = labeler
        self.concurrency = concurrency

    def make_worker(self, index: int, device: str) -> Keeper:
        """Return the keeper of the one worker, which has as many containers as are wanted."""
        self._worker = Labels(self, index, device)
        return self._worker

    # ------------------------------------------------------------ the daemon's side

    def hear(self, events: Sequence[StoredEvent]) -> None:
        """Take up label jobs that were committed, whoever asked for them."""
        for event in events:
            if event.kind == "jobs_added":
                added = protocol.decode_from_daemon(event.kind, event.body)
                if isinstance(added, protocol.JobsAdded) and added.kind == "label":
                    self.add(_waiting(added))

    def add(self, entries: Iterable[Waiting]) -> None:
        """Jobs were queued; those of other lanes are left to others."""
        super().add(entries)
        if self.waiting:
            self._worker.needed.set()

    def build(self, order: link.Build) -> None:
        """Have the labeler's image built; how that goes and ends is told to everybody who follows.

        Raises `WrongState` while it is built already.
        """
        self._worker.build(order)

    def clear_up(self) -> None:
        """Start a worker, which removes what the last one left behind."""
        self._worker.needed.set()

    def resume(self) -> None:
        """Start jobs again, and do not rest any longer."""
        super().resume()
        self.rise()

    def rise(self) -> None:
        """Rest no longer: somebody has mended what was wrong, or says so."""
        self._worker.rise()


class Labels(Keeper):
    """Keeps the worker of lane `io`, which labels several pictures at a time and builds the labeler's image."""

    lane: Labeling

    def __init__(self, lane: Labeling, index: int, device: str) -> None:
        super().__init__(lane, index, device)
        self.info = protocol.Worker(lane="io", phase="idle")
        self.needed = asyncio.Event()
        self._resting: asyncio.TimerHandle | None = None
        self._refusals = 0
        self._outdated: set[int] = set()
        """Jobs that were ordered before the last `rise`: what they meet may have been mended since."""
        self._builds: list[link.Build] = []

    def build(self, order: link.Build) -> None:
        """Have the labeler's image built. Raises `WrongState` while it is built already."""
        if any(known.image == order.image for known in self._builds):
            raise WrongState(f"The image {order.image} is being built already: wait for that.")
        self._builds.append(order)
        self.needed.set()
        if self.ready and self.process is not None:
            self.process.send(order)

    def rise(self) -> None:
        """Rest no longer, and look whether there is something to do."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
            self.say(detail="")
        self._outdated = set(self.running)
        self.wake.set()

    # ------------------------------------------------------------ ordering

    async def until_needed(self) -> None:
        """Wait for the first label, or something to build."""
        if not (self.lane.waiting or self._builds):
            await self.needed.wait()
        self.needed.clear()

    async def salvage(self) -> None:
        """Keep nothing: what a labeler answered is gone with the worker."""

    def has_room(self) -> bool:
        """Say whether one more picture may be labelled now."""
        return len(self.running) < self.lane.concurrency() and self._resting is None

    def is_expected(self) -> bool:
        """Say whether the worker has reason to give a sign of life."""
        return bool(self.running) or (bool(self.lane.waiting or self._builds) and not self.ready)

    async def make_order(self, jobs: tuple[Job, ...], size: int) -> link.Label:  # noqa: ARG002 - one at a time
        """Make the order for one picture."""
        (job,) = jobs
        assert isinstance(job.spec, LabelSpec)  # noqa: S101 - this lane has jobs of no other kind
        take, folder = await self.lane.store.get_take(job.spec.take)
        labeler = self.lane.labeler()
        self.lane.hang_s = max(self.lane.hang_s, TRIES * labeler.timeout_s + GRACE_S)
        return link.Label(job.id, job.attempts, str(Path(folder) / take.file), job.spec.text, labeler)

    # ------------------------------------------------------------ reports

    async def take_report(self, process: WorkerProcess, report: link.Report) -> None:
        """Take what a labelling worker may say."""
        match report:
            case link.Labelled():
                await self._label(report)
            case link.Failed():
                await self._fail(report)
            case link.Blocked():
                await self._rest(report)
            case link.Building():
                self.lane.beside(protocol.Building(line=report.line))
            case link.Built():
                await self._built(report)
            case _:
                await super().take_report(process, report)
        if isinstance(report, link.Ready):
            for order in self._builds:
                process.send(order)
        if not self.running and self.info.phase == "working":
            self.say(phase="idle")
        self.wake.set()

    async def _label(self, report: link.Labelled) -> None:
        job = self.let_go(report.job)
        self._refusals = 0
        answer = Answer(report.caption, report.rating, report.tags)
        new = NewLabel(answer, report.model, report.answer)
        kept = await self.insist(self.lane.store.finish_label, report.job, report.attempt, new, time.time())
        if job is not None and kept and isinstance(job.spec, LabelSpec):
            await self.lane.noting.note(job.spec.take)

    async def _fail(self, report: link.Failed) -> None:
        self.let_go(report.job)
        log.warning(report.message, extra=pairs(job=report.job, code=report.code))
        error = JobError(report.code, report.message)
        await self.insist(self.lane.store.fail_label, report.job, report.attempt, error, report.answer, time.time())

    async def _rest(self, report: link.Blocked) -> None:
        """Give the job back and let the whole lane rest."""
        if job := self.running.get(report.job):
            await self.give_back((job,), report.message, counts=False)
        if self._resting is None and report.job not in self._outdated:
            seconds = self._rest_for(report)
            self._refusals += 1
            at = time.strftime("%H:%M", time.localtime(time.time() + seconds))
            log.warning(report.message, extra=pairs(rests=f"{seconds:.0f}s"))
            self._resting = asyncio.get_running_loop().call_later(seconds, self.rise)
            self.say(detail=f"{report.message} Labeling goes on at {at}.")
        self._outdated.discard(report.job)

    def _rest_for(self, report: link.Blocked) -> float:
        told = report.until - time.time()
        if told > 0:
            return min(told, LONGEST_REST_S)
        return REST_S[min(self._refusals, len(REST_S) - 1) if report.limited else 0]

    async def _built(self, report: link.Built) -> None:
        self._builds = [order for order in self._builds if order.image != report.image]
        error = JobError("E_LABEL", report.error) if report.error else None
        await self.insist(self.lane.store.announce, protocol.LabelerBuilt(image=report.image, error=error), time.time())
        self.rise()


def _waiting(added: protocol.JobsAdded) -> list[Waiting]:
    """Return new jobs as the scheduler sees them: each one has the next turn."""
    return [
        Waiting(job, added.priority, added.turn + place, float(job), LABELS_GROUP, "io")
        for place, job in enumerate(added.jobs)
    ]
