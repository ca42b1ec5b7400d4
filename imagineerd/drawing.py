"""A worker that draws: what its orders are, and what its reports do to jobs, progress and previews.

At most two orders are in its hands: the one that is drawn, and one of which files are still written.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from imagineerd import link, protocol
from imagineerd.errors import DiskError
from imagineerd.jobs import Job, shape_of
from imagineerd.keeper import Keeper
from imagineerd.logs import pairs
from imagineerd.orders import drawing_of, make_render, speed_key
from imagineerd.store.moves import NewTake
from imagineerd.store.reconcile import reconcile
from imagineerd.workers import WorkerProcess

if TYPE_CHECKING:
    from imagineerd.dispatch import Dispatcher

log = logging.getLogger("imagineerd.dispatch")

IN_HANDS = 2
"""Orders that a worker has at most."""


class Drawing(Keeper):
    """Keeps a worker of lane `gpu`."""

    def __init__(self, lane: Dispatcher, index: int, device: str) -> None:
        super().__init__(lane, index, device)
        self._numbers = itertools.count(1)
        self._orders: dict[int, frozenset[int]] = {}
        self._on_device: int | None = None

    async def until_needed(self) -> None:
        """Return at once: a worker can load the model ahead."""

    # ------------------------------------------------------------ orders

    def has_room(self) -> bool:
        """Say whether the device is free and no more than one order has files to be written."""
        return self._on_device is None and len(self._orders) < IN_HANDS

    def is_expected(self) -> bool:
        """Say whether the worker has reason to give a sign of life."""
        return bool(self._orders) or super().is_expected()

    async def make_order(self, jobs: tuple[Job, ...], size: int) -> link.Render:
        """Make the order for claimed jobs, with the next number."""
        return await make_render(self.lane.store, self.lane.orders, jobs, size, next(self._numbers))

    def give(self, process: WorkerProcess, order: link.Render | link.Label) -> None:
        """Put an order into the worker's hands."""
        assert isinstance(order, link.Render)  # noqa: S101 - it makes no others
        self._orders[order.order] = frozenset(item.job for item in order.items)
        self._on_device = order.order
        super().give(process, order)

    def forget(self) -> None:
        """Forget what the process had at hand."""
        super().forget()
        self._orders.clear()
        self._on_device = None

    async def salvage(self) -> None:
        """Adopt pictures whose reports were lost with the worker. While others draw, their files are not looked at."""
        if self.running:
            alone = len(self.lane.workers) == 1
            await self.insist(reconcile, self.lane.store, None if alone else frozenset(self.running))

    # ------------------------------------------------------------ reports

    async def take_report(self, process: WorkerProcess, report: link.Report) -> None:  # noqa: C901 - one match
        """Take what a drawing worker may say."""
        match report:
            case link.Loading():
                percent = f"{report.fraction:.0%}" if report.fraction >= 0 else ""
                detail = " ".join(filter(None, (report.model, report.detail, percent)))
                self.say(phase="loading", detail=detail)
            case link.Loaded():
                phase: protocol.WorkerPhase = "working" if self._orders else "idle"
                self.say(phase=phase, model=report.model, detail="", memory_used=report.memory_used)
                self.set_up(model_s=report.seconds)
                self.wake.set()
            case link.Unloaded():
                self.set_up(group="")
                self.say(model="", memory_used=report.memory_used)
            case link.Step():
                self._step(report)
            case link.Preview():
                self._preview(report)
            case link.Finished():
                await self._finish(report)
            case link.Failed():
                await self._fail(report)
            case link.Drawn():
                self._note_times(report)
                self._leave_device(report.order)
            case link.OrderDone():
                await self._close_order(report)
            case _:
                await super().take_report(process, report)
        if isinstance(report, link.Ready) and self.device == "auto":
            self.lane.employ(report.devices)

    def _note_times(self, report: link.Drawn) -> None:
        """Note what the next choice of a call goes by; the order that was just drawn is of the group that is set up."""
        calls = self.setup.calls
        if report.call_seconds:
            calls = {**calls, shape_of(self.setup.group): report.call_seconds}
        self.set_up(mix_s=report.mix_seconds or self.setup.mix_s, calls=calls)

    def _step(self, report: link.Step) -> None:
        jobs = [job for id_, job in self.running.items() if id_ in self._orders.get(report.order, ())]
        if not jobs:
            return
        self.say(phase="working", detail=self._said_of_disk)
        per_picture = report.seconds_per_step / len(jobs)
        self.info = msgspec.structs.replace(self.info, seconds_per_step=per_picture)
        self.set_up(step_s=per_picture)
        left = (report.steps - report.step) * report.seconds_per_step
        for job in jobs:
            self.lane.beside(
                protocol.Tick(
                    job=job.id, batch=job.batch, slot=job.slot, step=report.step, steps=report.steps, eta_s=left
                )
            )

    def _preview(self, report: link.Preview) -> None:
        if job := self.running.get(report.job):
            self.lane.beside(
                protocol.Preview(
                    job=job.id,
                    batch=job.batch,
                    slot=job.slot,
                    step=report.step,
                    steps=report.steps,
                    width=report.width,
                    height=report.height,
                    rgb=report.rgb,
                )
            )

    async def _finish(self, report: link.Finished) -> None:
        job = self.let_go(report.job)
        stored, _ = await asyncio.gather(  # one commit, and so one wait for the disk, serves both
            self.insist(self.lane.store.finish, report.job, report.attempt, _take_of(report), time.time()),
            self._note_speed(job, report.duration),
        )
        if stored is None:
            log.warning("A late picture was dropped.", extra=pairs(job=report.job, attempt=report.attempt))

    async def _note_speed(self, job: Job | None, duration: float) -> None:
        if job is not None:
            with contextlib.suppress(DiskError):
                spec = drawing_of(job)
                await self.lane.store.record_speed(speed_key(spec), duration / spec.steps)

    async def _fail(self, report: link.Failed) -> None:
        log.warning(report.message, extra=pairs(job=report.job, code=report.code))
        job = self.running.get(report.job)
        if report.code == "E_DISK" and job is not None and job.attempts == report.attempt:
            await self.wait_for_disk((job,), report.message)
            return
        self.let_go(report.job)
        fail = self.lane.store.fail
        await self.insist(fail, report.job, report.attempt, report.code, report.message, time.time())

    def _leave_device(self, order: int) -> None:
        if order == self._on_device:
            self._on_device = None
        self.wake.set()

    @property
    def _said_of_disk(self) -> str:
        """What is said of a disk that refuses pictures, until it takes them: an order of before may still be drawn."""
        return "" if self.lane.refused is None else self.info.detail

    async def _close_order(self, report: link.OrderDone) -> None:
        """Let an order go. A job it did not answer for is treated as if the worker had died of it."""
        jobs = self._orders.pop(report.order, frozenset())
        left = tuple(job for id_, job in self.running.items() if id_ in jobs)
        if left and not self.lane.draining:
            await self.give_back(left, "The worker finished without a word about this job.", counts=True)
        if not self._orders:
            self.say(phase="idle", detail=self._said_of_disk, memory_used=report.memory_used)
        self._leave_device(report.order)


def _take_of(report: link.Finished) -> NewTake:
    return NewTake(
        file=report.file,
        seed=report.seed,
        width=report.width,
        height=report.height,
        bytes=report.bytes,
        sha256=report.sha256,
        color=report.color,
        duration=report.duration,
    )
