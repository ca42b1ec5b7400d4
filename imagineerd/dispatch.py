"""Give waiting jobs to the worker of a lane, and turn what it reports into moves in the store.

One `Dispatcher` a lane. It holds the light list of what waits (the store holds the jobs), keeps one worker process
alive, and has at most one order in the worker's hands. Every move is committed before anyone hears of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from imagineerd import link, protocol
from imagineerd.disk import takes_files
from imagineerd.errors import Code, DiskError, ImagineerError
from imagineerd.jobs import LANES, GenerateSpec, Job, Lane, State, group_key, steps_of
from imagineerd.logs import pairs
from imagineerd.naming import stem_of
from imagineerd.scheduler import Waiting
from imagineerd.store import Store
from imagineerd.store.moves import NewTake
from imagineerd.store.reconcile import reconcile
from imagineerd.waitlist import Waitlist
from imagineerd.workers import COMMAND, WorkerProcess, backoff, spawn

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("imagineerd.dispatch")

DISK_RETRY_S = 2.0
QUIT_S = 10.0
"""Seconds a worker is given to stop between two steps before it is killed."""
LONG_LIFE_S = 60.0
"""Seconds after which a worker that had nothing to do counts as one that worked: the next one is started at once."""


class Orders(msgspec.Struct, frozen=True):
    """What the daemon looks up when it is needed: where a model and a LoRA are, and how long an idle model is kept.

    `unload_s` gives the seconds after which it leaves the memory, or None.
    """

    configure: Callable[[], link.Configure]
    source: Callable[[str, str], link.ModelSource]
    lora: Callable[[str], str]
    unload_s: Callable[[], float | None] = lambda: None


class Dispatcher:
    """One lane: what waits, the worker process, the order in its hands."""

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
    ) -> None:
        self.lane = lane
        self.info = protocol.Worker(lane=lane, phase="starting")
        self.paused = False
        self.waiting = Waitlist()
        self.running: dict[int, Job] = {}
        self._store = store
        self._orders = orders
        self._beside = beside
        self._hang_s = hang_s
        self._max_batch = max_batch
        self._command = command
        self._sizes: tuple[int, ...] = (1,)
        self._loaded = ""
        self._ready = False
        self._busy = False
        self._draining = False
        self._cancelling: set[int] = set()
        self._interrupted: set[int] = set()
        self._paused_at_once = False
        self._refused_by_disk: tuple[int, Path] | None = None
        self._last_report = time.monotonic()
        self._watch = link.Watch()
        self._process: WorkerProcess | None = None
        self._wake = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self.tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------ the daemon's side

    async def start(self) -> None:
        """Take up what waits and start the worker."""
        self.paused = await self._store.is_paused()
        await self.refill()
        self.tasks = [
            asyncio.create_task(self._keep_a_worker()),
            asyncio.create_task(self._keep_ordering()),
            asyncio.create_task(self._keep_watch()),
            asyncio.create_task(self._keep_watching_disk()),
        ]

    async def stop(self) -> None:
        """Stop between two steps; what was running goes back to the queue and is not counted as an attempt."""
        self._draining = True
        if self._process is not None and self._ready:
            self._process.send(link.Quit())
        elif self._process is not None:
            self._process.kill("the daemon stops")  # nothing was asked of it yet
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), QUIT_S)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self._process is not None:
            self._process.kill("the daemon stops")
            await self._process.reap()
        try:  # from the store, which may have taken a claim that nobody here waited for any more
            ours = tuple(job for job in await self._store.running() if LANES[type(job.spec)] == self.lane)
            await self._return(ours, "The daemon was stopped.", counts=False)
        except DiskError as error:
            log.error("Running jobs are given back at the next start: %s", error)  # noqa: TRY400 - it says it all

    def add(self, entries: Iterable[Waiting]) -> None:
        """Jobs were queued; those of other lanes are left to others."""
        self.waiting.add(entry for entry in entries if entry.lane == self.lane)
        self._wake.set()

    async def refill(self) -> None:
        """Read from the store what waits. An entry that is stale by now costs an empty claim, a lost one a job."""
        self.add(await self._store.waiting())

    def cancel(self, ended: Iterable[int], stopping: tuple[int, ...]) -> None:
        """Jobs were cancelled in the store: forget the waiting ones, tell the worker of the running ones."""
        self.drop(ended)
        self._cancelling.update(self.running.keys() & set(stopping))
        if stopping and self._process is not None:
            self._process.send(link.Cancel(stopping))

    def watch(self, watch: link.Watch) -> None:
        """Let the worker, and each that comes after it, make these previews."""
        self._watch = watch
        if self._process is not None and self._ready:
            self._process.send(watch)

    def drop(self, jobs: Iterable[int]) -> None:
        """Jobs wait no more: they were cancelled or are held."""
        for job in jobs:
            self.waiting.drop(job)

    def pause(self, *, now: bool) -> None:
        """Start no more jobs; with `now` those that run are stopped between two steps and go back to their places."""
        self.paused, self._paused_at_once = True, now
        if now and self._process is not None:
            self._interrupted.update(self.running)
            self._process.send(link.Cancel(tuple(self.running)))

    def resume(self) -> None:
        """Start jobs again."""
        self.paused = self._paused_at_once = False
        self._wake.set()

    def eta(self) -> float | None:
        """Seconds until everything that is open is drawn, by the speed last seen; None while none was seen."""
        speed = self.info.seconds_per_step
        if not speed:
            return None
        running = sum(steps_of(group_key(job.spec)) for job in self.running.values())
        return (running + self.waiting.steps) * speed

    # ------------------------------------------------------------ ordering

    async def _keep_ordering(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._may_order():
                await self._order()

    def _may_order(self) -> bool:
        free = self._ready and self._has_room() and not self._draining and self._refused_by_disk is None
        return free and not self.paused and bool(self.waiting)

    def _has_room(self) -> bool:
        """Say whether the worker takes one more order."""
        return not self._busy

    def _is_expected(self) -> bool:
        """Say whether the worker has reason to give a sign of life."""
        return self._busy or (bool(self.waiting) and not self._ready)

    async def _order(self) -> None:
        batch = self.waiting.next(self._sizes, self._loaded)
        if batch is None or self._process is None:
            return
        self._busy = True
        self._last_report = time.monotonic()
        process = self._process
        jobs = await self._insist(self._store.claim, batch.jobs, time.time())
        for job in batch.jobs:
            self.waiting.drop(job)
        if not jobs:
            self._busy = False
            return
        self._loaded = group_key(jobs[0].spec)
        self.running.update((job.id, job) for job in jobs)
        if self._paused_at_once:  # while they were claimed
            self._interrupted.update(self.running)
        await self._hand_over(process, jobs, batch.size)

    async def _hand_over(self, process: WorkerProcess, jobs: tuple[Job, ...], size: int) -> None:
        try:
            order = await self._make_order(jobs, size)
        except Exception as error:  # noqa: BLE001 - whatever it is, these jobs cannot be drawn and the queue goes on
            await self._refuse(jobs, error)
            return
        if process is not self._process:  # it died while the order was made, and was mourned without these jobs
            await self._return(jobs, "The worker died before it had the order.", counts=False)
            return
        self._last_report = time.monotonic()
        if self.info.phase == "idle":
            self._say(phase="working")
        process.send(order)
        if late := (self._cancelling | self._interrupted).intersection(self.running):
            process.send(link.Cancel(tuple(late)))

    async def _make_order(self, jobs: tuple[Job, ...], size: int) -> link.Render | link.Label:
        spec = _drawing(jobs[0])
        folders = {batch: await self._folder(batch) for batch in {job.batch for job in jobs}}
        loras = await asyncio.to_thread(lambda: [(lora.name, self._orders.lora(lora.name)) for lora in spec.mix])
        source = await asyncio.to_thread(self._orders.source, spec.model, spec.model_revision)
        items = tuple(_item(job, folders[job.batch]) for job in jobs)
        return link.Render(items, source, size, tuple(loras))

    async def _folder(self, batch: str) -> Path:
        folder = await self._store.folder(batch)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        return folder

    async def _refuse(self, jobs: tuple[Job, ...], error: Exception) -> None:
        otherwise: Code = "E_DISK" if isinstance(error, OSError) else "E_INTERNAL"
        code = error.code if isinstance(error, ImagineerError) else otherwise
        log.error("An order could not be made: %s", error)
        if code == "E_DISK":
            await self._wait_for_disk(jobs, str(error))
        else:
            for job in jobs:
                self._let_go(job.id)
                await self._insist(self._store.fail, job.id, job.attempts, code, str(error), time.time())
        self._busy = False
        self._wake.set()

    # ------------------------------------------------------------ the disk

    async def _wait_for_disk(self, jobs: tuple[Job, ...], why: str) -> None:
        """Take jobs back that the disk refused and start no others: a full disk must not burn the deck.

        The lane goes on when files can be written there again, or when the first of them waits no more.
        """
        folder = await self._insist(self._store.folder, jobs[0].batch)
        self._refused_by_disk = self._refused_by_disk or (jobs[0].id, folder)
        self._say(detail=f"The queue waits for the disk: {why}")
        await self._return(jobs, why, counts=False)

    async def _keep_watching_disk(self) -> None:
        while True:
            await asyncio.sleep(DISK_RETRY_S)
            if self._refused_by_disk is not None:
                job, folder = self._refused_by_disk
                if job not in self.waiting or await asyncio.to_thread(takes_files, folder):
                    self._refused_by_disk = None
                    self._say(detail="")
                    self._wake.set()

    # ------------------------------------------------------------ the worker process

    async def _keep_a_worker(self) -> None:
        failures = 0
        while not self._draining:
            await self._until_needed()
            await asyncio.sleep(backoff(failures))
            failures = 0 if await self._one_life() else failures + 1
            self.info = msgspec.structs.replace(self.info, restarts=self.info.restarts + 1)

    async def _until_needed(self) -> None:
        """Wait until there is something for a worker to do: here, to load the model ahead."""

    async def _one_life(self) -> bool:
        """Start a worker and stay with it to its end; say whether it was of any use."""
        try:
            self._process = process = await spawn(self._command)
        except OSError as error:
            await self._mourn(f"The worker cannot be started: {error.strerror}.")
            return False
        self._gone.clear()
        self._last_report = born = time.monotonic()
        self._say(phase="starting", pid=process.pid)
        worked = False
        async for report in process.reports():
            self._last_report = time.monotonic()
            worked = worked or isinstance(report, link.OrderDone)
            await self._try_report(process, report)
        self._ready = False
        reason = self.info.detail if self.info.phase == "dead" else ""
        self._say(phase="dead", pid=0)  # at once: to learn how it ended takes until the kernel has taken it apart
        how = await process.reap()
        self._process = None
        self._gone.set()
        await self._mourn(reason or how)
        return worked or time.monotonic() - born > LONG_LIFE_S

    async def _mourn(self, how: str) -> None:
        self._ready = self._busy = False
        self._loaded = ""
        self._say(phase="dead", pid=0, detail=how)
        if not self._draining:
            log.warning(how, extra=pairs(jobs=len(self.running)))
            if self.running and self.lane == "gpu":  # a picture may be on disk whose report was lost with the worker
                await self._insist(reconcile, self._store)
            await self._return(tuple(self.running.values()), how, counts=True)

    async def _return(self, jobs: tuple[Job, ...], reason: str, *, counts: bool) -> None:
        """Give jobs back in the store; those that are queued again wait from now on."""
        for job in jobs:
            self._let_go(job.id)
            move = self._store.give_back
            state = await self._insist(move, job.id, job.attempts, reason, time.time(), counts=counts)
            if state is State.QUEUED:
                deaths = job.attempts if counts else job.attempts - 1
                self.add([_waiting(job, deaths)])

    def _let_go(self, job: int) -> Job | None:
        """Forget a job that left the worker's hands, and that it was to be stopped: it may come back."""
        self._cancelling.discard(job)
        self._interrupted.discard(job)
        return self.running.pop(job, None)

    async def _insist(self, move: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Repeat a move until the disk takes it: a report that is not kept would be a picture drawn twice.

        Raises `DiskError` only while the daemon stops; the next start sets it right.
        """
        while True:
            try:
                return await move(*args, **kwargs)
            except DiskError as error:
                if self._draining:
                    raise
                self._last_report = time.monotonic()
                log.error(error.message)  # noqa: TRY400 - the sentence says it all
                self._say(detail=error.message)
                await asyncio.sleep(DISK_RETRY_S)

    async def _keep_watch(self) -> None:
        """Kill a worker that is silent although it has something to do; let one without it give back its memory."""
        while True:
            await asyncio.sleep(min(1.0, self._hang_s / 4))
            if self._process is not None:
                self._look_after(self._process, time.monotonic() - self._last_report)

    def _look_after(self, process: WorkerProcess, silent: float) -> None:
        unload_s = self._orders.unload_s()
        if self._is_expected() and silent > self._hang_s:
            process.kill_hanging(f"it gave no sign of life for {silent:.0f} seconds")
        elif unload_s is not None and silent > unload_s and self.info.phase == "idle" and self.info.model:
            self._last_report = time.monotonic()
            process.send(link.Unload())

    # ------------------------------------------------------------ reports

    async def _try_report(self, process: WorkerProcess, report: link.Report) -> None:
        try:
            await self._take_report(process, report)
        except Exception:
            log.exception("A report could not be taken.", extra=pairs(report=type(report).__name__))
            process.kill("the daemon could not make sense of its report")

    async def _take_report(self, process: WorkerProcess, report: link.Report) -> None:  # noqa: C901 - one match
        match report:
            case link.Hello():
                process.send(await asyncio.to_thread(self._orders.configure))
            case link.Ready():
                self._ready = True
                process.send(self._watch)
                self._sizes = self._allowed(report.batch_sizes)
                self._say(
                    phase="idle",
                    detail="",
                    device=report.device,
                    device_name=report.device_name,
                    dtype=report.dtype,
                    torch=report.torch,
                    memory_used=report.memory_used,
                    memory_total=report.memory_total,
                )
                self._wake.set()
            case link.Loading():
                percent = f"{report.fraction:.0%}" if report.fraction >= 0 else ""
                detail = " ".join(filter(None, (report.model, report.detail, percent)))
                self._say(phase="loading", detail=detail)
            case link.Loaded():
                phase: protocol.WorkerPhase = "working" if self._busy else "idle"
                self._say(phase=phase, model=report.model, detail="", memory_used=report.memory_used)
                self._wake.set()
            case link.Unloaded():
                self._loaded = ""
                self._say(model="", memory_used=report.memory_used)
            case link.Step():
                self._step(report)
            case link.Preview():
                self._preview(report)
            case link.Finished():
                await self._finish(report)
            case link.Failed():
                await self._fail(report)
            case link.Stopped():
                await self._stopped(report)
            case link.OrderDone():
                await self._close_order(report)
            case link.Broken():
                self._say(phase="dead", detail=report.message)
                log.error(report.message)

    def _allowed(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Return the fixed batch sizes up to the configured one; the smallest in any case."""
        sizes = tuple(sorted(size for size in sizes if size > 0)) or (1,)
        limit = self._max_batch or sizes[-1]
        return tuple(size for size in sizes if size <= limit) or sizes[:1]

    def _say(self, **changes: object) -> None:
        new = msgspec.structs.replace(self.info, **changes)
        if new != self.info:
            self.info = new
            self._beside(new)

    def _step(self, report: link.Step) -> None:
        jobs = tuple(self.running.values())
        if not jobs:
            return
        self._say(phase="working", detail="")
        per_picture = report.seconds_per_step / len(jobs)
        self.info = msgspec.structs.replace(self.info, seconds_per_step=per_picture)
        left = (report.steps - report.step) * report.seconds_per_step
        for job in jobs:
            self._beside(
                protocol.Tick(
                    job=job.id, batch=job.batch, slot=job.slot, step=report.step, steps=report.steps, eta_s=left
                )
            )

    def _preview(self, report: link.Preview) -> None:
        if job := self.running.get(report.job):
            self._beside(
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
        job = self._let_go(report.job)
        take = NewTake(
            file=report.file,
            seed=report.seed,
            width=report.width,
            height=report.height,
            bytes=report.bytes,
            sha256=report.sha256,
            color=report.color,
            duration=report.duration,
        )
        stored, _ = await asyncio.gather(  # one commit, and so one wait for the disk, serves both
            self._insist(self._store.finish, report.job, report.attempt, take, time.time()),
            self._note_speed(job, report.duration),
        )
        if stored is None:
            log.warning("A late picture was dropped.", extra=pairs(job=report.job, attempt=report.attempt))

    async def _note_speed(self, job: Job | None, duration: float) -> None:
        if job is not None:
            with contextlib.suppress(DiskError):
                spec = _drawing(job)
                await self._store.record_speed(speed_key(spec), duration / spec.steps)

    async def _stopped(self, report: link.Stopped) -> None:
        """A job that nobody stopped did so because the worker quits: `stop` gives it back."""
        if report.job in self._cancelling:
            self._let_go(report.job)
            await self._insist(self._store.stop, report.job, report.attempt, time.time())
        elif report.job in self._interrupted and not self._draining:
            await self._return((self.running[report.job],), "The queue was paused.", counts=False)

    async def _fail(self, report: link.Failed) -> None:
        log.warning(report.message, extra=pairs(job=report.job, code=report.code))
        job = self.running.get(report.job)
        if report.code == "E_DISK" and job is not None and job.attempts == report.attempt:
            await self._wait_for_disk((job,), report.message)
            return
        self._let_go(report.job)
        await self._insist(self._store.fail, report.job, report.attempt, report.code, report.message, time.time())

    async def _close_order(self, report: link.OrderDone) -> None:
        """The worker is free. A job it did not answer for is treated as if the worker had died of it."""
        if self.running and not self._draining:
            left = tuple(self.running.values())
            await self._return(left, "The worker finished without a word about this job.", counts=True)
        self._busy = False
        detail = "" if self._refused_by_disk is None else self.info.detail
        self._say(phase="idle", detail=detail, memory_used=report.memory_used)
        self._wake.set()


def _waiting(job: Job, attempts: int) -> Waiting:
    """Return a job that is queued again as the scheduler sees it: at its old place."""
    return Waiting(job.id, job.priority, job.turn, job.rank, group_key(job.spec), LANES[type(job.spec)], attempts)


def _item(job: Job, folder: Path) -> link.Item:
    stem = folder / stem_of(job.slot, job.spec.name)
    return link.Item(job.id, job.attempts, job.batch, job.slot, _drawing(job), str(stem))


def _drawing(job: Job) -> GenerateSpec:
    assert isinstance(job.spec, GenerateSpec)  # noqa: S101 - its lane has jobs of no other kind
    return job.spec


def speed_key(spec: GenerateSpec) -> str:
    """Return what a measured speed is kept under: model and size."""
    return f"{spec.model}|{spec.width}x{spec.height}"
