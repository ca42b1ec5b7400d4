"""Give waiting jobs to the workers of a lane, and take them back.

One `Dispatcher` a lane. It holds the light list of what waits (the store holds the jobs) and one or more workers, each
kept by a `Keeper`, who choose from that list by turns. Every move is committed before anyone hears of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from imagineerd import link, protocol
from imagineerd.crew import together
from imagineerd.disk import takes_files
from imagineerd.drawing import Drawing
from imagineerd.errors import DiskError
from imagineerd.jobs import LANES, Job, Lane, group_key, steps_of
from imagineerd.keeper import Keeper
from imagineerd.orders import Orders
from imagineerd.scheduler import Batch, Waiting
from imagineerd.store import Store
from imagineerd.waitlist import Waitlist
from imagineerd.workers import COMMAND

log = logging.getLogger("imagineerd.dispatch")

DISK_RETRY_S = 2.0


class Dispatcher:
    """One lane: what waits, and the workers. `devices` names one for each; empty leaves it to the configuration."""

    def __init__(  # noqa: PLR0913 - it joins the parts of the daemon
        self,
        store: Store,
        orders: Orders,
        beside: Callable[[protocol.Beside], None],
        *,
        hang_s: float,
        max_batch: int | None = None,
        command: tuple[str, ...] = COMMAND,
        lane: Lane = "gpu",
        devices: Sequence[str] = ("",),
    ) -> None:
        self.lane = lane
        self.store = store
        self.orders = orders
        self.beside = beside
        self.hang_s = hang_s
        self.max_batch = max_batch
        self.command = command
        self.paused = self.paused_at_once = self.draining = False
        self.waiting = Waitlist()
        self.watched = link.Watch()
        self.refused: tuple[int, Path] | None = None
        self.workers: list[Keeper] = [self.make_worker(index, device) for index, device in enumerate(devices)]
        self.tasks: list[asyncio.Task[None]] = []
        self._group = asyncio.TaskGroup()

    def make_worker(self, index: int, device: str) -> Keeper:
        """Return the keeper of one more worker."""
        return Drawing(self, index, device)

    @property
    def info(self) -> protocol.Worker:
        """What is known of the workers."""
        return together([worker.info for worker in self.workers])

    @property
    def running(self) -> dict[int, Job]:
        """The jobs in the hands of the workers."""
        return {id_: job for worker in self.workers for id_, job in worker.running.items()}

    # ------------------------------------------------------------ the daemon's side

    async def start(self) -> None:
        """Take up what waits and start the workers."""
        self.paused = await self.store.is_paused()
        await self.refill()
        self.tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._keep_watching_disk())]

    async def stop(self) -> None:
        """Stop between two steps; what was running goes back to the queue and is not counted as an attempt."""
        self.draining = True
        await asyncio.gather(*(worker.quit() for worker in self.workers))
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self.workers))
        try:  # from the store, which may have taken a claim that nobody here waited for any more
            for job in await self.store.running():
                if LANES[type(job.spec)] == self.lane:
                    await self.store.give_back(
                        job.id, job.attempts, "The daemon was stopped.", time.time(), counts=False
                    )
        except DiskError as error:
            log.error("Running jobs are given back at the next start: %s", error)  # noqa: TRY400 - it says it all

    async def _run(self) -> None:
        async with self._group:
            for worker in self.workers:
                self._group.create_task(worker.run())

    def employ(self, devices: Iterable[str]) -> None:
        """Start a worker for each of these devices but the first, which the first worker has, where there is none."""
        known = {worker.device for worker in self.workers}
        for device in tuple(devices)[1:]:
            if device not in known:
                self.workers.append(self.make_worker(len(self.workers), device))
                self._group.create_task(self.workers[-1].run())

    def tell(self) -> None:
        """Tell everybody how the workers are."""
        self.beside(self.info)

    # ------------------------------------------------------------ what waits

    def add(self, entries: Iterable[Waiting]) -> None:
        """Jobs were queued; those of other lanes are left to others."""
        self.waiting.add(entry for entry in entries if entry.lane == self.lane)
        self.wake()

    def again(self, job: Job, deaths: int) -> None:
        """Let a job that is queued again wait at its old place; `deaths` counts the workers that died of it."""
        group, lane = group_key(job.spec), LANES[type(job.spec)]
        self.add([Waiting(job.id, job.priority, job.turn, job.rank, group, lane, deaths)])

    async def refill(self) -> None:
        """Read from the store what waits. An entry that is stale by now costs an empty claim, a lost one a job."""
        self.add(await self.store.waiting())

    def drop(self, jobs: Iterable[int]) -> None:
        """Jobs wait no more: they were cancelled or are held."""
        for job in jobs:
            self.waiting.drop(job)

    def next_for(self, worker: Keeper) -> Batch | None:
        """Take the next call for a free worker from what waits; a group is shared among all that are free."""
        if self.paused or self.refused is not None:
            return None
        free = sum(other.is_free() for other in self.workers)
        batch = self.waiting.next(worker.sizes, worker.setup, free)
        self.drop(batch.jobs if batch else ())
        return batch

    def wake(self) -> None:
        """Let the workers look whether there is something for them."""
        for worker in self.workers:
            worker.wake.set()

    # ------------------------------------------------------------ the disk

    def wait_for_disk(self, job: int, folder: Path) -> None:
        """Start no jobs until files can be written to this folder again, or the job that it refused waits no more."""
        self.refused = self.refused or (job, folder)

    async def _keep_watching_disk(self) -> None:
        while True:
            await asyncio.sleep(DISK_RETRY_S)
            if self.refused is not None:
                job, folder = self.refused
                if job not in self.waiting or await asyncio.to_thread(takes_files, folder):
                    self.refused = None
                    for worker in self.workers:
                        worker.go_on()

    # ------------------------------------------------------------ steering

    def cancel(self, ended: Iterable[int], stopping: tuple[int, ...]) -> None:
        """Jobs were cancelled in the store: forget the waiting ones, tell the workers of the running ones."""
        self.drop(ended)
        for worker in self.workers:
            worker.cancel(stopping)

    def watch(self, watch: link.Watch) -> None:
        """Let the workers, and each that comes after them, make these previews."""
        self.watched = watch
        for worker in self.workers:
            worker.watch()

    def pause(self, *, now: bool) -> None:
        """Start no more jobs; with `now` those that run are stopped between two steps and go back to their places."""
        self.paused, self.paused_at_once = True, now
        if now:
            for worker in self.workers:
                worker.interrupt()

    def resume(self) -> None:
        """Start jobs again."""
        self.paused = self.paused_at_once = False
        self.wake()

    def eta(self) -> float | None:
        """Seconds until everything that is open is drawn, by the speed last seen; None while none was seen."""
        speed = self.info.seconds_per_step
        if not speed:
            return None
        running = sum(steps_of(group_key(job.spec)) for job in self.running.values())
        return (running + self.waiting.steps) * speed
