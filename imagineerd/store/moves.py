"""Jobs move from state to state, and every move leaves its event in the same transaction.

`move` is the only statement that changes a state. Its guard is made from `jobs.MAY_FOLLOW`, and it compares `attempts`,
the fence: what an earlier attempt reports about a job that was given to another worker since changes nothing.
"""

# ruff: noqa: S608  the queries are put together from constants only

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from imagineerd.errors import Code, NotFound
from imagineerd.jobs import MAX_ATTEMPTS, MAX_RECOVERIES, GenerateSpec, Job, JobError, JobKind, State, sources_of
from imagineerd.protocol import Cancelled, JobMoved, Take, TakeAdded
from imagineerd.store import intake, outbox, pages, picks, search
from imagineerd.store.rows import NEW_TAKE, next_id

_MOVE = """
    UPDATE job SET
        state = :state,
        attempts = :attempts,
        cancel_requested = CASE WHEN :state = 'queued' THEN 0 ELSE cancel_requested END,
        started_at = CASE :state WHEN 'queued' THEN NULL WHEN 'running' THEN :at ELSE started_at END,
        ended_at = CASE WHEN :state IN ('queued', 'running') THEN NULL ELSE :at END,
        error_code = :code,
        error_message = :message,
        take = :take
    WHERE id = :id AND attempts = :fence AND state IN ({sources})
"""
MOVE_TO: Final[dict[State, str]] = {
    target: _MOVE.format(sources=", ".join(f"'{state.value}'" for state in sources_of(target))) for target in State
}

_ENTRY = "SELECT id, batch, slot, kind, state, attempts, cancel_requested, error_code FROM job"
_BY_ID = f"{_ENTRY} WHERE id = ?"
_BY_STATE = f"{_ENTRY} WHERE state = ? ORDER BY id"
_BY_BATCH = f"{_ENTRY} WHERE batch = ? AND state = ? ORDER BY id"
_OF_SLOT = f"{_ENTRY} WHERE id = ? AND batch = ? AND slot = ?"
_RUNNING = f"{_ENTRY} WHERE id = ? AND attempts = ? AND state = 'running'"
_ASK_TO_STOP = "UPDATE job SET cancel_requested = 1 WHERE id = ? AND state = 'running'"
_COLUMNS = NEW_TAKE.split(", ")
_ADD_TAKE = f"INSERT INTO take ({NEW_TAKE}) VALUES ({', '.join(f':{column}' for column in _COLUMNS)})"

CANCELLABLE: Final = frozenset(sources_of(State.CANCELLED)) - {State.RUNNING}


class Entry(NamedTuple):
    """What a move needs to know of a job. `code` is that of its error."""

    id: int
    batch: str
    slot: int
    kind: JobKind
    state: State
    attempts: int
    cancel_requested: bool
    code: str | None


class NewTake(msgspec.Struct, frozen=True):
    """A picture that is on disk. `file` is its name, or its path, in the folder of the batch."""

    file: str
    seed: int
    width: int
    height: int
    bytes: int
    sha256: str
    color: str = "#000000"
    duration: float = 0.0
    cached: bool = False


def move(  # noqa: PLR0913  a move has that many parts
    connection: sqlite3.Connection,
    entry: Entry,
    target: State,
    at: float,
    *,
    attempts: int | None = None,
    error: JobError | None = None,
    take: int | None = None,
) -> bool:
    """Move a job, with its event; False, and no event, where `MAY_FOLLOW` or the fence forbids it.

    `error` is kept in the row of a job that failed or is held, and otherwise only told by the event.
    """
    attempts = entry.attempts if attempts is None else attempts
    kept = error if target in (State.FAILED, State.HELD) else None
    values = {
        "id": entry.id,
        "fence": entry.attempts,
        "state": target.value,
        "attempts": attempts,
        "at": at,
        "code": kept and kept.code,
        "message": kept and kept.message,
        "take": take,
    }
    if connection.execute(MOVE_TO[target], values).rowcount == 0:
        return False
    moved = JobMoved(
        job=entry.id,
        batch=entry.batch,
        slot=entry.slot,
        state=target,
        attempts=attempts,
        error=error,
        kind=entry.kind,
    )
    outbox.append(connection, moved, at)
    return True


def claim(connection: sqlite3.Connection, jobs: Iterable[int], at: float) -> tuple[Job, ...]:
    """Start an attempt of each job that is still queued; return those, in the order asked for."""
    claimed = [id_ for id_ in jobs if _start(connection, find(connection, id_), at)]
    return tuple(pages.job(connection, id_) for id_ in claimed)


def finish(connection: sqlite3.Connection, job: int, attempt: int, new: NewTake, at: float) -> Take | None:
    """Record a finished picture: the take, the end of its job, and the slot's pick where it had none.

    Returns None, and does nothing, where that attempt is not the one that runs.
    """
    entry = running(connection, job, attempt)
    if entry is None:
        return None
    take = _add_take(connection, entry, new, at)
    move(connection, entry, State.DONE, at, take=take.id)
    picked = picks.pick_first(connection, take)
    search.add(connection, take.id)
    outbox.append(connection, TakeAdded(take=take, pick=picked), at)
    intake.label_take(connection, take, at)
    return take


def adopt(  # noqa: PLR0913, PLR0917  what is known of a file
    connection: sqlite3.Connection, job: int, batch: str, slot: int, new: NewTake, at: float
) -> Take | None:
    """Finish a job with a picture found on disk, whatever attempt made it.

    A held job is open here: what it was to draw is there. Returns None, and does nothing, where there is no open job
    of that batch and slot with the seed of the picture.
    """
    entry = next(iter(_entries(connection, _OF_SLOT, (job, batch, slot))), None)
    if entry is None or not _draws(connection, job, new.seed):
        return None
    if entry.state is State.HELD:
        move(connection, entry, State.QUEUED, at)
        entry = find(connection, job)
    if entry.state is State.QUEUED:
        _start(connection, entry, at)
        entry = find(connection, job)
    return finish(connection, job, entry.attempts, new, at)


def fail(  # noqa: PLR0913, PLR0917  what is known of a failure
    connection: sqlite3.Connection, job: int, attempt: int, code: Code, message: str, at: float
) -> bool:
    """End a running attempt as failed; False where that attempt is not the one that runs."""
    entry = running(connection, job, attempt)
    error = JobError(code, message)
    return entry is not None and move(connection, entry, State.FAILED, at, error=error)


def stop(connection: sqlite3.Connection, job: int, attempt: int, at: float) -> bool:
    """End a running attempt as cancelled; False where that attempt is not the one that runs."""
    entry = running(connection, job, attempt)
    return entry is not None and move(connection, entry, State.CANCELLED, at)


def give_back(  # noqa: PLR0913  what is known of a death
    connection: sqlite3.Connection,
    job: int,
    attempt: int,
    reason: str,
    at: float,
    *,
    counts: bool,
) -> State | None:
    """Take a running job from its worker; return where it is now, None where that attempt is not the one that runs.

    It is cancelled where that was asked for, held where its worker died for the last time, else queued. `counts`
    tells whether the worker died; an attempt that was only interrupted is not counted.
    """
    entry = running(connection, job, attempt)
    return None if entry is None else _give_back(connection, entry, reason, at, counts=counts)


def recover(connection: sqlite3.Connection, at: float) -> dict[int, State]:
    """Give back every running job, at the start of a daemon whose predecessor died with them.

    Returns where each is now.
    """
    reason = "The daemon died while this job ran."
    left = in_state(connection, State.RUNNING)
    return {entry.id: _give_back(connection, entry, reason, at, counts=True, most=MAX_RECOVERIES) for entry in left}


def cancel(connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None, at: float) -> Cancelled:
    """Cancel the named jobs, and of a batch those that are open or held.

    What waits or stands for a person (queued, held, failed) is cancelled at once; what runs is marked, for ever, to be
    stopped. Raises `NotFound` for a job or batch that does not exist; then none is cancelled.
    """
    entries = chosen(connection, jobs, batch, (State.QUEUED, State.RUNNING, State.HELD))
    cancelled = [e.id for e in entries if e.state in CANCELLABLE and _cancel(connection, e, at)]
    stopping = [entry.id for entry in entries if entry.state is State.RUNNING]
    connection.executemany(_ASK_TO_STOP, ((id_,) for id_ in stopping))
    known = {*cancelled, *stopping}
    ended = tuple(entry.id for entry in entries if entry.id not in known)
    return Cancelled(cancelled=tuple(cancelled), stopping=tuple(stopping), ended=ended)


def find(connection: sqlite3.Connection, job: int) -> Entry:
    """Return what a move needs to know of a job. Raises `NotFound`."""
    found = _entries(connection, _BY_ID, (job,))
    if not found:
        raise NotFound(f"There is no job {job}.", field="$.jobs")
    return found[0]


def in_state(connection: sqlite3.Connection, state: State) -> list[Entry]:
    """Return all jobs in a state, oldest first."""
    return _entries(connection, _BY_STATE, (state.value,))


def chosen(
    connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None, states: Sequence[State]
) -> list[Entry]:
    """Return the named jobs, then those of the batch that are in one of the states; none twice. Raises `NotFound`."""
    found = {id_: find(connection, id_) for id_ in jobs}
    if batch is not None:
        id_ = pages.find_batch(connection, batch)
        for state in states:
            for entry in _entries(connection, _BY_BATCH, (id_, state.value)):
                found[entry.id] = entry
    return list(found.values())


def running(connection: sqlite3.Connection, job: int, attempt: int) -> Entry | None:
    """Return a job if that attempt of it runs."""
    found = _entries(connection, _RUNNING, (job, attempt))
    return found[0] if found else None


def _entries(connection: sqlite3.Connection, query: str, values: tuple[int | str, ...]) -> list[Entry]:
    rows = connection.execute(query, values).fetchall()
    return [
        Entry(id_, batch, slot, kind, State(state), attempts, bool(stopping), code)
        for id_, batch, slot, kind, state, attempts, stopping, code in rows
    ]


def _draws(connection: sqlite3.Connection, job: int, seed: int) -> bool:
    spec = pages.job(connection, job).spec
    return isinstance(spec, GenerateSpec) and spec.seed == seed


def _start(connection: sqlite3.Connection, entry: Entry, at: float) -> bool:
    return move(connection, entry, State.RUNNING, at, attempts=entry.attempts + 1)


def _cancel(connection: sqlite3.Connection, entry: Entry, at: float) -> bool:
    return move(connection, entry, State.CANCELLED, at)


def _give_back(  # noqa: PLR0913  what is known of a death
    connection: sqlite3.Connection, entry: Entry, reason: str, at: float, *, counts: bool, most: int = MAX_ATTEMPTS
) -> State:
    target = _place_of(entry, most=most if counts else entry.attempts + 1)
    attempts = entry.attempts if counts else entry.attempts - 1
    error = JobError("E_WORKER_LOST", reason) if counts else None
    move(connection, entry, target, at, attempts=attempts, error=error)
    return target


def _place_of(entry: Entry, *, most: int) -> State:
    if entry.cancel_requested:
        return State.CANCELLED
    return State.HELD if entry.attempts >= most else State.QUEUED


def _add_take(connection: sqlite3.Connection, entry: Entry, new: NewTake, at: float) -> Take:
    take = Take(
        id=next_id(connection, "take"),
        batch=entry.batch,
        slot=entry.slot,
        job=entry.id,
        file=new.file.rpartition("/")[2],
        seed=new.seed,
        width=new.width,
        height=new.height,
        bytes=new.bytes,
        sha256=new.sha256,
        color=new.color,
        created_at=at,
        duration=new.duration,
        cached=new.cached,
    )
    connection.execute(_ADD_TAKE, {column: getattr(take, column) for column in _COLUMNS})
    return take
