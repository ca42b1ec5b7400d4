"""The durable queue, as the daemon sees it.

A method returns when what it did is on the disk. The SQL lives beside it, by subject, in functions of a connection:
`schema` (tables), `intake` (work comes in), `moves` (jobs change state), `steering` (a person has a say), `order`
(where jobs stand), `pausing`, `picks` and `trash` (takes are chosen and deleted), `pages` and `search` (reading),
`reuse` (pictures that were drawn before), `mixes`, `outbox` (events), `history` (what is forgotten), `speed`; `rows`
turns rows into values, `writer` is the thread that runs it all. The daemon holds the lock that makes it the only
process with this file open.

Every method may raise `DiskError`; then nothing was saved, and the store goes on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from imagineerd.errors import Code, DiskError
from imagineerd.jobs import GenerateSpec, Job, JobError, Mix, State
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.protocol import (
    BatchDetail,
    Batches,
    Cancelled,
    Dealt,
    EditLabel,
    End,
    EventBody,
    Held,
    Jobs,
    Label,
    Labeling,
    Labels,
    LabelTakes,
    ListedTake,
    MixInfo,
    Placed,
    Queue,
    Retried,
    Take,
    Takes,
)
from imagineerd.scheduler import Waiting
from imagineerd.search import Query
from imagineerd.store import (
    history,
    intake,
    labeling,
    labels,
    mixes,
    moves,
    outbox,
    pages,
    pausing,
    picks,
    reuse,
    sayings,
    schema,
    search,
    speed,
    steering,
    trash,
)
from imagineerd.store.intake import AS_THEY_COME, Idem, NewBatch, NewJob, Terms
from imagineerd.store.labeling import NewLabel
from imagineerd.store.moves import NewTake
from imagineerd.store.outbox import StoredEvent
from imagineerd.store.pages import Snap, Unfinished
from imagineerd.store.reuse import Reusable
from imagineerd.store.writer import OnEvents, Writer

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """The database behind one writer thread; all methods are called from one event loop.

    `at` is always the Unix time of what happened.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.epoch = schema.epoch_of(connection)
        self.files = asyncio.Lock()
        """Held by whoever moves files of takes, or judges by what lies in a folder."""
        self._writer = Writer(connection)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open or create the database and migrate it.

        Raises `DiskError` where it cannot be opened, `WrongState` where a newer imagineerd wrote it.
        """
        return cls(schema.open_database(path))

    @property
    def on_events(self) -> OnEvents:
        """Called in the event loop with the events of each commit, in order, before its callers go on."""
        return self._writer.on_events

    @on_events.setter
    def on_events(self, listener: OnEvents) -> None:
        self._writer.on_events = listener

    async def run(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function of the connection in the next transaction; see `Writer.run`."""
        return await self._writer.run(partial(_with_connection, work, args, kwargs))

    async def run_alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function of the connection outside of any transaction; it may begin its own."""
        return await self._writer.run(work, alone=True)

    async def answers(self) -> None:
        """Return once the writer thread has answered what was asked before, be it with trouble. Changes nothing."""
        with suppress(DiskError, sqlite3.Error):
            await self.run(_do_nothing)

    async def close(self) -> None:
        """Finish what waits and close the file. May be called twice; all else raises `Draining` from now on."""
        await asyncio.to_thread(self._writer.close)

    # ------------------------------------------------------------ work comes in

    async def submit_batch(self, new: NewBatch, idem: Idem | None, limit: int, at: float) -> Dealt:
        """Accept a batch; `limit` is how many jobs may be queued. A repeated request gets its earlier answer.

        Raises `Conflict` where the idempotency key was used for another request, `Full` where the jobs do not fit.
        """
        return await self.run(intake.submit_batch, new, idem, limit, at)

    async def add_jobs(  # noqa: PLR0913  as intake.add_jobs
        self,
        batch: str,
        jobs: Sequence[NewJob],
        idem: Idem | None,
        limit: int,
        at: float,
        *,
        terms: Terms = AS_THEY_COME,
    ) -> Dealt:
        """Accept jobs for slots of a batch. Raises `NotFound`, and as `submit_batch`."""
        return await self.run(intake.add_jobs, batch, jobs, idem, limit, at, terms=terms)

    async def complete(
        self, batch: str, idem: Idem | None, limit: int, at: float, *, terms: Terms = AS_THEY_COME
    ) -> Dealt:
        """Accept a job for every slot without a take and without an open job. Raises as `add_jobs`."""
        return await self.run(intake.complete, batch, idem, limit, at, terms=terms)

    # ------------------------------------------------------------ jobs change state

    async def claim(self, jobs: Iterable[int], at: float) -> tuple[Job, ...]:
        """Start an attempt of each job that is still queued and return those; the attempt is counted for good.

        Raises `NotFound`.
        """
        return await self.run(moves.claim, tuple(jobs), at)

    async def finish(self, job: int, attempt: int, new: NewTake, at: float) -> Take | None:
        """Record a picture that is on disk; None, and nothing is done, for an attempt that does not run."""
        return await self.run(moves.finish, job, attempt, new, at)

    async def reusable(self, jobs: Sequence[int]) -> tuple[Reusable, ...]:
        """Return those of the jobs that wait for a picture that is kept. Raises `NotFound`."""
        return await self.run(reuse.find, jobs)

    async def reuse(self, job: int, new: NewTake, at: float) -> Take | None:
        """Finish a waiting job with a picture that was drawn before; None where it waits no more."""
        return await self.run(reuse.finish, job, new, at)

    async def adopt(self, job: int, batch: str, slot: int, new: NewTake, at: float) -> Take | None:
        """Record a picture found on disk, whatever attempt made it; None where no open job asks for it."""
        return await self.run(moves.adopt, job, batch, slot, new, at)

    async def fail(self, job: int, attempt: int, code: Code, message: str, at: float) -> bool:
        """End a running attempt as failed; False where it does not run."""
        return await self.run(moves.fail, job, attempt, code, message, at)

    async def stop(self, job: int, attempt: int, at: float) -> bool:
        """End a running attempt as cancelled; False where it does not run."""
        return await self.run(moves.stop, job, attempt, at)

    async def give_back(self, job: int, attempt: int, reason: str, at: float, *, counts: bool) -> State | None:
        """Take a job from its worker; return where it is now, None for an attempt that does not run.

        It is cancelled where that was asked for, held where the worker died (`counts`) for the last time, else queued.
        """
        return await self.run(moves.give_back, job, attempt, reason, at, counts=counts)

    async def recover(self, at: float) -> dict[int, State]:
        """Give back, at the start, every job that runs no more; tell where each is now.

        Counts as a death of its worker.
        """
        return await self.run(moves.recover, at)

    async def cancel(self, jobs: Sequence[int], batch: str | None, at: float) -> Cancelled:
        """Cancel jobs that wait, mark those that run. Raises `NotFound`; then none is cancelled."""
        return await self.run(moves.cancel, jobs, batch, at)

    # ------------------------------------------------------------ a person has a say

    async def hold(self, jobs: Sequence[int], batch: str | None, at: float) -> Held:
        """Hold what waits. Raises `NotFound`, and `WrongState` where jobs are named and none can be held."""
        return await self.run(steering.hold, jobs, batch, at)

    async def release(self, jobs: Sequence[int], batch: str | None, at: float) -> Retried:
        """Queue held jobs again. Raises `NotFound`, and `WrongState` where jobs are named and none is held."""
        return await self.run(steering.release, jobs, batch, at)

    async def retry(self, jobs: Sequence[int], batch: str | None, at: float, *, failed: bool = False) -> Retried:
        """Queue jobs again; `failed` means all that failed or whose worker died.

        Raises `NotFound`, and `WrongState` where jobs are named and none can be retried.
        """
        return await self.run(steering.retry, jobs, batch, at, failed=failed)

    async def place(
        self, jobs: Sequence[int], batch: str | None, end: End | None, before: int | None, at: float
    ) -> Placed:
        """Put waiting jobs at an end of the queue or right before another. Raises as `steering.place`."""
        return await self.run(steering.place, jobs, batch, end, before, at)

    async def set_priority(self, jobs: Sequence[int], batch: str | None, priority: int, at: float) -> Placed:
        """Give waiting jobs another priority. Raises `NotFound`, and `WrongState` where none of the named waits."""
        return await self.run(steering.set_priority, jobs, batch, priority, at)

    async def pause(self, at: float, *, paused: bool) -> None:
        """Pause the queue, or let it go on, for good."""
        await self.run(pausing.pause, paused, at)

    async def is_paused(self) -> bool:
        """Say whether the queue is paused."""
        return await self.run(pausing.is_paused)

    async def set_pick(self, take: int, at: float) -> Take:
        """Make a take the one that counts for its slot. Raises `NotFound`, `WrongState` for one in the trash."""
        return await self.run(picks.set_pick, take, at)

    async def favourite(self, takes: Iterable[int], at: float, *, on: bool) -> None:
        """Mark takes as favourites or not. Raises `NotFound`, `WrongState` for one in the trash; then none is."""
        await self.run(trash.favourite, tuple(takes), at, on=on)

    # ------------------------------------------------------------ labels

    async def label_takes(  # noqa: PLR0913  as labeling.label_takes
        self, asked: LabelTakes, prompt: LabelPrompt, idem: Idem | None, limit: int, at: float, *, client: str = ""
    ) -> Labeling:
        """Queue label jobs for takes, and for those of a batch that lack a label. Raises as `add_jobs`."""
        return await self.run(labeling.label_takes, asked, prompt, idem, limit, at, client=client)

    async def finish_label(self, job: int, attempt: int, new: NewLabel, at: float) -> bool:
        """Keep a labeler's answer and end its job; False for an attempt that does not run."""
        return await self.run(labeling.finish, job, attempt, new, at)

    async def fail_label(self, job: int, attempt: int, error: JobError, said: str, at: float) -> bool:
        """End a running attempt as failed and keep what was said; False where it does not run."""
        return await self.run(labeling.fail, job, attempt, error, said, at)

    async def edit_label(self, wanted: EditLabel, person: str, at: float) -> Label | None:
        """Change the label of a take by hand. Raises `NotFound`, and `Invalid` where nothing would be left."""
        return await self.run(sayings.edit, wanted, person, at)

    async def restore_label(self, take: int, label: int | None, at: float) -> Label | None:
        """Let an earlier label count again, or none. Raises `NotFound`."""
        return await self.run(sayings.restore, take, label, at)

    async def sidecars_due(self) -> tuple[int, ...]:
        """Return the takes whose sidecar does not tell yet what their label is."""
        return await self.run(sayings.sidecars_due)

    async def sidecar_done(self, take: int, label: int | None) -> None:
        """The sidecar of a take tells this label, or that there is none."""
        await self.run(sayings.sidecar_done, take, label)

    async def labels(self, take: int) -> Labels:
        """Return every label that a take ever had, newest first. Raises `NotFound`."""
        return await self.run(labels.history, take)

    # ------------------------------------------------------------ reading

    async def waiting(self, jobs: Iterable[int] | None = None) -> tuple[Waiting, ...]:
        """Return every queued job as the scheduler sees it, the next one first; or those of `jobs`."""
        return await self.run(pages.waiting, jobs)

    async def running(self) -> tuple[Job, ...]:
        """Return the running jobs, oldest first."""
        return await self.run(pages.running)

    async def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        return await self.run(pages.counts)

    async def queue(self, limit: int, after: int | None) -> Queue:
        """Return what runs and then what waits, in the order of the queue; or what waits behind a job."""
        return await self.run(pages.queue, limit, after)

    async def list_jobs(self, states: Sequence[State], batch: str | None, limit: int, before: int | None) -> Jobs:
        """Return a page of jobs, newest first; no states means all. Raises as `get_batch`."""
        return await self.run(pages.list_jobs, states, batch, limit, before)

    async def list_batches(self, limit: int, before: str | None, *, auditions: bool = False) -> Batches:
        """Return a page of batches, newest first; auditions only where wanted. Raises as `get_batch`."""
        return await self.run(pages.list_batches, limit, before, auditions=auditions)

    async def get_batch(self, name: str) -> BatchDetail:
        """Return the batch of that id, of that unambiguous beginning of an id, or the `last`.

        Raises `NotFound`, and `Invalid` where several ids begin so.
        """
        return await self.run(pages.get_batch, name)

    async def find_batch(self, name: str) -> str:
        """Return the id of a batch named as for `get_batch`, with its errors."""
        return await self.run(pages.find_batch, name)

    async def folder(self, batch: str) -> Path:
        """Return the absolute folder of a batch. Raises as `get_batch`."""
        return await self.run(pages.folder, batch)

    async def slot_specs(self, batch: str, slots: Iterable[int]) -> dict[int, GenerateSpec]:
        """Return what a re-roll of each slot starts from. Raises `NotFound` for a slot, and as `get_batch`."""
        return await self.run(pages.slot_specs, batch, slots)

    async def get_take(self, take: int) -> tuple[Take, Path]:
        """Return a take and the absolute folder of its batch. Raises `NotFound`."""
        return await self.run(pages.get_take, take)

    async def listed_take(self, take: int) -> tuple[ListedTake, GenerateSpec, Path]:
        """Return a take with its names, what was asked for, and the folder of its batch. Raises `NotFound`."""
        return await self.run(pages.listed_take, take)

    async def list_trash(self, limit: int, before: int | None) -> Takes:
        """Return a page of the takes in the trash, newest first."""
        return await self.run(trash.list_trash, limit, before)

    async def search(self, query: Query, limit: int, before: int | None) -> Takes:
        """Return a page of the kept takes that a query asks for, newest first. Raises as `get_batch` for its batch."""
        batch = await self.find_batch(query.batch) if query.batch else None
        return await self.run(search.find, query, batch, limit, before)

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """Return the batches in whose folders something half-written may lie, and the files that have a row."""
        return await self.run(pages.unfinished)

    async def snapshot(self) -> Snap:
        """Return the state as of an event.

        Later events may have been announced by the time the caller goes on: who follows from here needs those after
        `seq` first.
        """
        return await self.run(pages.snapshot)

    async def events_since(self, epoch: str, seq: int, limit: int) -> tuple[StoredEvent, ...] | None:
        """Return every event after `seq`, as of one moment.

        None where `epoch` names another database, or not all are kept any more, or there are more than `limit`.
        """
        if epoch != self.epoch:
            return None
        return await self.run(outbox.since, seq, limit)

    # ------------------------------------------------------------ saved mixes

    async def list_mixes(self) -> tuple[MixInfo, ...]:
        """Return the saved mixes, by name."""
        return await self.run(mixes.list_mixes)

    async def get_mix(self, name: str) -> MixInfo:
        """Return a saved mix, whatever the case of its name. Raises `NotFound`."""
        return await self.run(mixes.get_mix, name)

    async def save_mix(self, name: str, mix: Mix, at: float) -> MixInfo:
        """Save a mix in place of an earlier one of that name."""
        return await self.run(mixes.save_mix, name, mix, at)

    async def rename_mix(self, name: str, to: str, at: float) -> MixInfo:
        """Give a mix another name. Raises `NotFound`, and `Invalid` where another mix has it."""
        return await self.run(mixes.rename_mix, name, to, at)

    async def delete_mix(self, name: str, at: float) -> None:
        """Delete a mix. Raises `NotFound`."""
        await self.run(mixes.delete_mix, name, at)

    # ------------------------------------------------------------ housekeeping

    async def announce(self, body: EventBody, at: float) -> None:
        """Announce what happened outside of the database, as an event like any other."""
        await self.run(outbox.append, body, at)

    async def prune_events(self, keep: int) -> int:
        """Delete all but the newest `keep` events; return how many went."""
        return await self.run(outbox.prune, keep)

    async def prune_idem(self, before: float) -> int:
        """Forget the idempotency keys used before that time; return how many went."""
        return await self.run(intake.prune_idem, before)

    async def forget(self, before: float, at: float) -> int:
        """Forget some of the batches that ended before that time and keep no picture; return how many went."""
        return await self.run_alone(partial(history.forget, before=before, at=at))

    async def record_speed(self, key: str, seconds: float) -> None:
        """Let a measurement count in the average of its key."""
        await self.run(speed.record_speed, key, seconds)

    async def speed(self, key: str) -> float | None:
        """Return the average seconds of a key; None before the first measurement."""
        return await self.run(speed.speed, key)


def _do_nothing(_connection: sqlite3.Connection) -> None:
    """Stand in for work: an empty transaction writes nothing, but waits its turn."""


def _with_connection(
    work: Callable[..., T],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    connection: sqlite3.Connection,
) -> T:
    return work(connection, *args, **kwargs)
