"""One worker of a lane: its process is kept alive and watched, and it is given the next order whenever it is free.

What an order is and what its reports mean, each kind of worker says itself (`drawing`, `labeling`). A process that dies
gives its jobs back to the lane, where any worker may take them, and is replaced; the others go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import msgspec

from imagineerd import link, protocol
from imagineerd.errors import Code, DiskError, ImagineerError
from imagineerd.jobs import Job, State, group_key
from imagineerd.logs import pairs
from imagineerd.scheduler import Batch, Setup
from imagineerd.workers import WorkerProcess, backoff, spawn

if TYPE_CHECKING:
    from imagineerd.dispatch import Dispatcher

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("imagineerd.dispatch")

DISK_RETRY_S = 2.0
QUIT_S = 10.0
"""Seconds a worker is given to stop between two steps before it is killed."""
LONG_LIFE_S = 60.0
"""Seconds after which a worker that had nothing to do counts as one that worked: the next one is started at once."""


class Keeper(ABC):
    """Keeps one worker: `running` are the jobs in its hands, `sizes` the fixed batch sizes that it has, `setup` what it
    has loaded.
    """

    def __init__(self, lane: Dispatcher, index: int, device: str) -> None:
        self.lane = lane
        self.device = device
        self.info = protocol.Worker(lane=lane.lane, index=index, phase="starting")
        self.running: dict[int, Job] = {}
        self.sizes: tuple[int, ...] = (1,)
        self.setup = Setup()
        self.ready = False
        self.choosing = False
        self.process: WorkerProcess | None = None
        self.wake = asyncio.Event()
        self.cancelling: set[int] = set()
        self.interrupted: set[int] = set()
        self.last_report = time.monotonic()
        self._gone = asyncio.Event()
        self._gone.set()

    # ------------------------------------------------------------ what the lane asks

    async def run(self) -> None:
        """Keep a worker and give it orders until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_a_worker())
            group.create_task(self._keep_ordering())
            group.create_task(self._keep_watch())

    async def quit(self) -> None:
        """Ask the process to stop between two steps and wait for that, a bounded time."""
        if self.process is not None and self.ready:
            self.process.send(link.Quit())
        elif self.process is not None:
            self.process.kill("the daemon stops")  # nothing was asked of it yet
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), QUIT_S)

    async def end(self) -> None:
        """End a process that is still there."""
        if self.process is not None:
            self.process.kill("the daemon stops")
            await self.process.reap()

    def cancel(self, jobs: tuple[int, ...]) -> None:
        """Stop those of the jobs that are in its hands."""
        self.cancelling.update(self.running.keys() & set(jobs))
        if jobs and self.process is not None:
            self.process.send(link.Cancel(jobs))

    def interrupt(self) -> None:
        """Stop between two steps what is in its hands; it goes back to its place."""
        if self.process is not None:
            self.interrupted.update(self.running)
            self.process.send(link.Cancel(tuple(self.running)))

    def watch(self) -> None:
        """Tell the process which previews are wanted now."""
        if self.process is not None and self.ready:
            self.process.send(self.lane.watched)

    # ------------------------------------------------------------ ordering

    def is_free(self) -> bool:
        """Say whether it takes an order now."""
        return self.ready and self.has_room() and not self.choosing and not self.lane.draining

    @abstractmethod
    def has_room(self) -> bool:
        """Say whether the worker takes one more order."""

    @abstractmethod
    async def make_order(self, jobs: tuple[Job, ...], size: int) -> link.Render | link.Label:
        """Make the order for claimed jobs. Whatever it raises fails them."""

    def is_expected(self) -> bool:
        """Say whether the worker has reason to give a sign of life."""
        return bool(self.running) or (bool(self.lane.waiting) and not self.ready)

    async def _keep_ordering(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.is_free() and (batch := self.lane.next_for(self)) is not None:
                self.choosing = True
                await self._order(batch)
                self.choosing = False

    async def _order(self, batch: Batch) -> None:
        process = self.process
        jobs = await self.insist(self.lane.store.claim, batch.jobs, time.time())
        if not jobs or process is None:
            return
        self.set_up(group=group_key(jobs[0].spec))
        self.last_report = time.monotonic()
        self.running.update((job.id, job) for job in jobs)
        if self.lane.paused_at_once:  # while they were claimed
            self.interrupted.update(self.running)
        await self._hand_over(process, jobs, batch.size)

    async def _hand_over(self, process: WorkerProcess, jobs: tuple[Job, ...], size: int) -> None:
        try:
            order = await self.make_order(jobs, size)
        except Exception as error:  # noqa: BLE001 - whatever it is, these jobs cannot be done and the queue goes on
            await self._refuse(jobs, error)
            return
        if process is not self.process:  # it died while the order was made, and was mourned without these jobs
            await self.give_back(jobs, "The worker died before it had the order.", counts=False)
            return
        self.last_report = time.monotonic()
        if self.info.phase == "idle":
            self.say(phase="working")
        self.give(process, order)
        if late := (self.cancelling | self.interrupted).intersection(self.running):
            process.send(link.Cancel(tuple(late)))

    def give(self, process: WorkerProcess, order: link.Render | link.Label) -> None:
        """Put an order into the worker's hands."""
        process.send(order)

    async def _refuse(self, jobs: tuple[Job, ...], error: Exception) -> None:
        otherwise: Code = "E_DISK" if isinstance(error, OSError) else "E_INTERNAL"
        code = error.code if isinstance(error, ImagineerError) else otherwise
        log.error("An order could not be made: %s", error)
        if code == "E_DISK":
            await self.wait_for_disk(jobs, str(error))
            return
        for job in jobs:
            self.let_go(job.id)
            await self.insist(self.lane.store.fail, job.id, job.attempts, code, str(error), time.time())

    async def wait_for_disk(self, jobs: tuple[Job, ...], why: str) -> None:
        """Give jobs back that the disk refused and let the lane start no others: a full disk must not burn the deck."""
        folder = await self.insist(self.lane.store.folder, jobs[0].batch)
        self.lane.wait_for_disk(jobs[0].id, folder)
        self.say(detail=f"The queue waits for the disk: {why}")
        await self.give_back(jobs, why, counts=False)

    def go_on(self) -> None:
        """Have the disk back: take orders again."""
        if self.ready:
            self.say(detail="")
        self.wake.set()

    # ------------------------------------------------------------ the process

    @abstractmethod
    async def until_needed(self) -> None:
        """Wait until there is something for a process to do."""

    async def _keep_a_worker(self) -> None:
        failures = 0
        while not self.lane.draining:
            await self.until_needed()
            await asyncio.sleep(backoff(failures))
            failures = 0 if await self._one_life() else failures + 1
            self.info = msgspec.structs.replace(self.info, restarts=self.info.restarts + 1)

    async def _one_life(self) -> bool:
        """Start a worker and stay with it to its end; say whether it was of any use."""
        try:
            self.process = process = await spawn(self.lane.command)
        except OSError as error:
            await self._mourn(f"The worker cannot be started: {error.strerror}.")
            return False
        self._gone.clear()
        self.last_report = born = time.monotonic()
        self.say(phase="starting", pid=process.pid)
        worked = False
        async for report in process.reports():
            self.last_report = time.monotonic()
            worked = worked or isinstance(report, link.OrderDone)
            await self._try_report(process, report)
        self.ready = False
        reason = self.info.detail if self.info.phase == "dead" else ""
        self.say(phase="dead", pid=0)  # at once: to learn how it ended takes until the kernel has taken it apart
        how = await process.reap()
        self.process = None
        self._gone.set()
        await self._mourn(reason or how)
        return worked or time.monotonic() - born > LONG_LIFE_S

    async def _mourn(self, how: str) -> None:
        self.forget()
        self.say(phase="dead", pid=0, detail=how)
        if not self.lane.draining:
            log.warning(how, extra=pairs(jobs=len(self.running)))
            await self.salvage()
            await self.give_back(tuple(self.running.values()), how, counts=True)

    def forget(self) -> None:
        """Forget what the process had at hand."""
        self.ready = False
        self.set_up(group="")

    @abstractmethod
    async def salvage(self) -> None:
        """Keep what a process that died had finished without a report of it."""

    async def _keep_watch(self) -> None:
        """Kill a worker that is silent although it has something to do; let one without it give back its memory."""
        while True:
            await asyncio.sleep(min(1.0, self.lane.hang_s / 4))
            if self.process is not None:
                self._look_after(self.process, time.monotonic() - self.last_report)

    def _look_after(self, process: WorkerProcess, silent: float) -> None:
        unload_s = self.lane.orders.unload_s()
        if self.is_expected() and silent > self.lane.hang_s:
            process.kill_hanging(f"it gave no sign of life for {silent:.0f} seconds")
        elif unload_s is not None and silent > unload_s and self.info.phase == "idle" and self.info.model:
            self.last_report = time.monotonic()
            process.send(link.Unload())

    async def _try_report(self, process: WorkerProcess, report: link.Report) -> None:
        try:
            await self.take_report(process, report)
        except Exception:
            log.exception("A report could not be taken.", extra=pairs(report=type(report).__name__))
            process.kill("the daemon could not make sense of its report")

    # ------------------------------------------------------------ reports

    async def take_report(self, process: WorkerProcess, report: link.Report) -> None:
        """Take what every worker may say."""
        match report:
            case link.Hello():
                process.send(await asyncio.to_thread(self._configure))
            case link.Ready():
                self.ready = True
                self.sizes = self._allowed(report.batch_sizes)
                process.send(self.lane.watched)
                self.say(phase="idle", detail="", **_about(report))
                self.wake.set()
            case link.Stopped():
                await self._stopped(report)
            case link.Broken():
                self.say(phase="dead", detail=report.message)
                log.error(report.message)

    async def _stopped(self, report: link.Stopped) -> None:
        """A job that nobody stopped did so because the worker quits: the lane gives it back."""
        if report.job in self.cancelling:
            self.let_go(report.job)
            await self.insist(self.lane.store.stop, report.job, report.attempt, time.time())
        elif report.job in self.interrupted and not self.lane.draining:
            await self.give_back((self.running[report.job],), "The queue was paused.", counts=False)

    def _configure(self) -> link.Configure:
        configure = self.lane.orders.configure()
        if not self.device:
            return configure
        hardware = msgspec.structs.replace(configure.hardware, device=self.device)
        return msgspec.structs.replace(configure, hardware=hardware)

    def _allowed(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the fixed batch sizes up to the configured one; the smallest in any case."""
        sizes = tuple(sorted(size for size in sizes if size > 0)) or (1,)
        limit = self.lane.max_batch or sizes[-1]
        return tuple(size for size in sizes if size <= limit) or sizes[:1]

    def say(self, **changes: object) -> None:
        """Change what is known of this worker and tell it."""
        new = msgspec.structs.replace(self.info, **changes)
        if new != self.info:
            self.info = new
            self.lane.tell()

    def set_up(self, **changes: object) -> None:
        """Note what the process has loaded, or what it takes to change that."""
        self.setup = msgspec.structs.replace(self.setup, **changes)

    # ------------------------------------------------------------ jobs leave its hands

    def let_go(self, job: int) -> Job | None:
        """Forget a job that left the worker's hands, and that it was to be stopped: it may come back."""
        self.cancelling.discard(job)
        self.interrupted.discard(job)
        return self.running.pop(job, None)

    async def give_back(self, jobs: tuple[Job, ...], reason: str, *, counts: bool) -> None:
        """Give jobs back in the store; those that are queued again wait from now on, for any worker."""
        for job in jobs:
            self.let_go(job.id)
            move = self.lane.store.give_back
            state = await self.insist(move, job.id, job.attempts, reason, time.time(), counts=counts)
            if state is State.QUEUED:
                self.lane.again(job, job.attempts if counts else job.attempts - 1)

    async def insist(self, move: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Repeat a move until the disk takes it: a report that is not kept would be a picture drawn twice.

        Raises `DiskError` only while the daemon stops; the next start sets it right.
        """
        while True:
            try:
                return await move(*args, **kwargs)
            except DiskError as error:
                if self.lane.draining:
                    raise
                self.last_report = time.monotonic()
                log.error(error.message)  # noqa: TRY400 - the sentence says it all
                self.say(detail=error.message)
                await asyncio.sleep(DISK_RETRY_S)


def _about(report: link.Ready) -> dict[str, object]:
    names = ("device", "device_name", "dtype", "torch", "memory_used", "memory_total")
    return {name: getattr(report, name) for name in names}
