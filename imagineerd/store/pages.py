"""What the database knows, read: one thing by its name, pages of a long history, and the whole as of an event.

A page costs what it shows, however long the history is: every list walks an index from its newest end.
"""

# ruff: noqa: S608  the queries are put together from constants only

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from imagineerd.errors import Invalid, NotFound, WrongState, did_you_mean
from imagineerd.jobs import GenerateSpec, Job, State
from imagineerd.protocol import Axis, Batch, BatchDetail, Batches, Jobs, ListedTake, Queue, Slot, Take
from imagineerd.scheduler import Waiting
from imagineerd.store import labels, outbox, pausing
from imagineerd.store.order import ORDER
from imagineerd.store.rows import JOB, LISTED, TAKE, Row, drawing_of, error_of, job_of, listed_of, take_of

SNAPSHOT_JOBS = 1000
SNAPSHOT_BATCHES = 100

_NO_LIMIT = 2**63 - 1
_LAST_ONES = 1000
_BATCH = "number, id, set_id, title, theme, folder, created_at, slots, takes, mixes, grid, audition"

_ONE_BATCH = f"SELECT {_BATCH} FROM batch WHERE id = ?"
_BATCH_PAGE = f"SELECT {_BATCH} FROM batch WHERE audition = 0 AND number < ? ORDER BY number DESC LIMIT ?"
_BATCH_PAGE_OF_ALL = f"SELECT {_BATCH} FROM batch WHERE number < ? ORDER BY number DESC LIMIT ?"
_BATCH_NUMBER = "SELECT number FROM batch WHERE id = ?"
_LAST_IDS = "SELECT id FROM batch WHERE audition = 0 ORDER BY number DESC LIMIT ?"
_IDS_FROM = "SELECT id FROM batch WHERE id >= ? AND id < ? ORDER BY id LIMIT 6"
_SLOT_STATES = "SELECT state, count(*) FROM slot WHERE batch = ? GROUP BY state"
_LABELLED_AND_DURATION = """
    SELECT count(labeling.take) FILTER (WHERE take.place = 'kept'), total(take.duration) FILTER (WHERE take.cached = 0)
    FROM take LEFT JOIN labeling ON labeling.take = take.id AND labeling.current = 1
    WHERE take.batch = ?
"""
_SLOTS = """
    SELECT idx, name, slot.state, pick, slot.job, error_code, error_message
    FROM slot LEFT JOIN job ON job.id = slot.job
    WHERE slot.batch = ? ORDER BY idx
"""
_SLOT_SPEC = "SELECT spec FROM slot WHERE batch = ? AND idx = ?"
_ONE_JOB = f"SELECT {JOB} FROM job WHERE id = ?"
_JOBS_OF_STATE = f"SELECT {JOB} FROM job WHERE state = ? ORDER BY id"
_NEWEST_OF_ALL = "SELECT id FROM job WHERE id < ? ORDER BY id DESC LIMIT ?"
_NEWEST = "SELECT id FROM job WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?"
_NEWEST_OF_BATCH = """
    SELECT id FROM job WHERE batch = ? AND state = ? AND id < ? ORDER BY id DESC LIMIT ?
"""
_WAITING_COLUMNS = "id, priority, turn, rank, group_key, lane, attempts"
_WAITING = f"""
    SELECT {_WAITING_COLUMNS} FROM job INDEXED BY job_waiting WHERE state = 'queued' ORDER BY {ORDER}
"""
_ONE_WAITING = f"SELECT {_WAITING_COLUMNS} FROM job WHERE id = ? AND state = 'queued'"
_NEXT = f"""
    SELECT {JOB} FROM job INDEXED BY job_waiting WHERE state = 'queued' ORDER BY {ORDER} LIMIT ?
"""
_PLACE = "SELECT priority, turn, rank, id FROM job WHERE id = ?"
_NEXT_AT_PRIORITY = f"""
    SELECT {JOB} FROM job INDEXED BY job_waiting
    WHERE state = 'queued' AND priority = ? AND (turn, rank, id) > (?, ?, ?) ORDER BY turn, rank, id LIMIT ?
"""
_NEXT_BELOW = f"""
    SELECT {JOB} FROM job INDEXED BY job_waiting
    WHERE state = 'queued' AND priority < ? ORDER BY {ORDER} LIMIT ?
"""
_ONE_TAKE = f"SELECT {TAKE} FROM take WHERE id = ?"
_TAKES = f"SELECT {TAKE} FROM take WHERE batch = ? AND place = 'kept' ORDER BY slot, id"
_IS_GONE = "SELECT place = 'gone' FROM take WHERE id = ?"
_LISTED_TAKE = f"""
    SELECT {LISTED}, job.spec FROM take
    JOIN slot ON slot.batch = take.batch AND slot.idx = take.slot JOIN batch ON batch.id = take.batch
    JOIN job ON job.id = take.job WHERE take.id = ?
"""
_FOLDER = "SELECT folder FROM batch WHERE id = ?"
_TALLY = "SELECT state, jobs FROM tally"
_UNFINISHED = """
    SELECT id, folder FROM batch
    WHERE id IN (
        SELECT batch FROM job WHERE state IN ('queued', 'running', 'held')
        UNION ALL SELECT batch FROM job WHERE state = 'failed' AND error_code = 'E_DISK'
    )
    ORDER BY number
"""
_FILES = "SELECT id, file FROM take WHERE batch = ? AND place = 'kept'"


_decode_axes = msgspec.msgpack.Decoder(tuple[Axis, ...]).decode


class Snap(NamedTuple):
    """The state as of event `seq`: open jobs in the order of the queue, running ones first, and the newest batches."""

    seq: int
    jobs: tuple[Job, ...]
    batches: tuple[Batch, ...]
    paused: bool


class Unfinished(msgspec.Struct, frozen=True):
    """A batch in whose folder something half-written may lie: the folder and the files (name to take id) with a row."""

    batch: str
    folder: str
    files: dict[str, int]


# ---------------------------------------------------------------- batches


def find_batch(connection: sqlite3.Connection, name: str) -> str:
    """Return the id of a batch named by its id, by an unambiguous beginning of it, or by `last`.

    Raises `NotFound`, and `Invalid` where several ids begin so.
    """
    if connection.execute(_BATCH_NUMBER, (name,)).fetchone():
        return name
    if name == "last":
        return _last_batch(connection)
    found = _column(connection.execute(_IDS_FROM, (name, name + "\U0010ffff"))) if name else []
    if len(found) > 1:
        listed = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")  # noqa: PLR2004
        raise Invalid(message=f'"{name}" begins several batches: {listed}.', field="$.batch")
    if not found:
        known = _column(connection.execute(_LAST_IDS, (_LAST_ONES,)))
        hint = did_you_mean(name, known)
        raise NotFound(f'There is no batch "{name}".{hint}', field="$.batch")
    return found[0]


def batch(connection: sqlite3.Connection, id_: str) -> Batch:
    """Return a batch that exists."""
    return _batch_of(connection, connection.execute(_ONE_BATCH, (id_,)).fetchone())


def get_batch(connection: sqlite3.Connection, name: str) -> BatchDetail:
    """Return a batch with its slots and their takes, oldest take first. Raises as `find_batch`."""
    id_ = find_batch(connection, name)
    takes: dict[int, list[Take]] = {}
    labelled = labels.labels_of_batch(connection, id_)
    for row in connection.execute(_TAKES, (id_,)):
        take_ = take_of(row, labelled.get(row[0]))
        takes.setdefault(take_.slot, []).append(take_)
    rows = connection.execute(_SLOTS, (id_,))
    slots = tuple(_slot_of(row, takes.get(row[0], ())) for row in rows)
    return BatchDetail(batch=batch(connection, id_), slots=slots)


def folder(connection: sqlite3.Connection, name: str) -> Path:
    """Return the absolute folder of a batch. Raises as `find_batch`."""
    return Path(connection.execute(_FOLDER, (find_batch(connection, name),)).fetchone()[0])


def slot_specs(connection: sqlite3.Connection, name: str, slots: Iterable[int]) -> dict[int, GenerateSpec]:
    """Return what a re-roll of each slot starts from. Raises `NotFound` for a slot, and as `find_batch`."""
    id_ = find_batch(connection, name)
    return {index: _slot_spec(connection, id_, index) for index in slots}


def list_batches(connection: sqlite3.Connection, limit: int, before: str | None, *, auditions: bool = False) -> Batches:
    """Return the newest batches, or those older than `before`; auditions only where wanted. Raises as `find_batch`."""
    number = _NO_LIMIT if before is None else _number_of(connection, before)
    page = _BATCH_PAGE_OF_ALL if auditions else _BATCH_PAGE
    rows = connection.execute(page, (number, limit + 1)).fetchall()
    batches = tuple(_batch_of(connection, row) for row in rows[:limit])
    return Batches(batches=batches, before=batches[-1].id if len(rows) > limit else None)


def _last_batch(connection: sqlite3.Connection) -> str:
    found = _column(connection.execute(_LAST_IDS, (1,)))
    if not found:
        raise NotFound("There is no batch yet. Deal a set first.", field="$.batch")
    return found[0]


def _number_of(connection: sqlite3.Connection, name: str) -> int:
    id_ = find_batch(connection, name)
    return int(connection.execute(_BATCH_NUMBER, (id_,)).fetchone()[0])


def _batch_of(connection: sqlite3.Connection, row: Row) -> Batch:
    _, id_, set_id, title, theme, folder, created_at, slots, takes, mixes, grid, audition = row
    labelled, duration = connection.execute(_LABELLED_AND_DURATION, (id_,)).fetchone()
    return Batch(
        id=id_,
        set=set_id,
        title=title,
        theme=theme,
        folder=folder,
        created_at=created_at,
        slots=slots,
        takes=takes,
        states=dict(connection.execute(_SLOT_STATES, (id_,)).fetchall()),
        mixes=tuple(mixes.split()),
        grid=_decode_axes(grid),
        audition=bool(audition),
        labelled=labelled,
        duration=duration,
    )


def _slot_spec(connection: sqlite3.Connection, id_: str, index: int) -> GenerateSpec:
    row = connection.execute(_SLOT_SPEC, (id_, index)).fetchone()
    if row is None:
        raise NotFound(f'Batch "{id_}" has no slot {index}.', field="$.slots")
    return drawing_of(row[0])


def _slot_of(row: Row, takes: Iterable[Take]) -> Slot:
    index, name, state, pick, job_, code, message = row
    return Slot(
        index=index,
        name=name,
        state=State(state),
        pick=pick,
        job=job_,
        error=error_of(code, message),
        takes=tuple(takes),
    )


# ---------------------------------------------------------------- jobs


def job(connection: sqlite3.Connection, id_: int) -> Job:
    """Return one job. Raises `NotFound`."""
    row = connection.execute(_ONE_JOB, (id_,)).fetchone()
    if row is None:
        raise NotFound(f"There is no job {id_}.", field="$.jobs")
    return job_of(row)


def list_jobs(
    connection: sqlite3.Connection,
    states: Sequence[State],
    batch_name: str | None,
    limit: int,
    before: int | None,
) -> Jobs:
    """Return the newest jobs, or those older than `before`, in any of the states (none: all) and of the batch.

    Raises as `find_batch`.
    """
    batch_id = None if batch_name is None else find_batch(connection, batch_name)
    below = _NO_LIMIT if before is None else before
    if states or batch_id is not None:
        ids = _newest_ids(connection, states or tuple(State), batch_id, below, limit + 1)
    else:
        ids = [id_ for (id_,) in connection.execute(_NEWEST_OF_ALL, (below, limit + 1))]
    jobs = tuple(job(connection, id_) for id_ in ids[:limit])
    return Jobs(jobs=jobs, before=jobs[-1].id if len(ids) > limit else None)


def running(connection: sqlite3.Connection) -> tuple[Job, ...]:
    """Return the running jobs, oldest first."""
    rows = connection.execute(_JOBS_OF_STATE, (State.RUNNING.value,))
    return tuple(job_of(row) for row in rows)


def waiting(connection: sqlite3.Connection, jobs: Iterable[int] | None = None) -> tuple[Waiting, ...]:
    """Return every queued job as the scheduler sees it, the next one first; or those of `jobs`."""
    if jobs is None:
        return tuple(Waiting(*row) for row in connection.execute(_WAITING))
    found = (connection.execute(_ONE_WAITING, (id_,)).fetchone() for id_ in jobs)
    return tuple(Waiting(*row) for row in found if row)


def queue(connection: sqlite3.Connection, limit: int, after: int | None) -> Queue:
    """Return what runs and then what waits, in the order of the queue; or what waits behind the job `after`.

    Raises `NotFound`. That job may have been started meanwhile: what counts is where it stood.
    """
    jobs = _front(connection, limit + 1) if after is None else _behind(connection, after, limit + 1)
    last = jobs[limit - 1].id if len(jobs) > limit else None
    return Queue(paused=pausing.is_paused(connection), jobs=jobs[:limit], after=last)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many jobs are in each state."""
    return dict(connection.execute(_TALLY).fetchall())


def _front(connection: sqlite3.Connection, limit: int) -> tuple[Job, ...]:
    busy = running(connection)[:limit]
    return busy + tuple(job_of(row) for row in connection.execute(_NEXT, (limit - len(busy),)))


def _behind(connection: sqlite3.Connection, id_: int, limit: int) -> tuple[Job, ...]:
    place = connection.execute(_PLACE, (id_,)).fetchone()
    if place is None:
        raise NotFound(f"There is no job {id_}.", field="$.after")
    rows = connection.execute(_NEXT_AT_PRIORITY, (*place, limit)).fetchall()
    rows += connection.execute(_NEXT_BELOW, (place[0], limit - len(rows))).fetchall()
    return tuple(map(job_of, rows))


def _newest_ids(
    connection: sqlite3.Connection,
    states: Iterable[State],
    batch_id: str | None,
    below: int,
    limit: int,
) -> list[int]:
    """Return the newest ids, up to `limit` of each state, so that a rare one costs no walk through the others."""
    ids: list[int] = []
    for state in set(states):
        if batch_id is None:
            found = connection.execute(_NEWEST, (state.value, below, limit))
        else:
            found = connection.execute(_NEWEST_OF_BATCH, (batch_id, state.value, below, limit))
        ids.extend(id_ for (id_,) in found)
    return sorted(ids, reverse=True)


# ---------------------------------------------------------------- takes


def take(connection: sqlite3.Connection, id_: int) -> Take:
    """Return one take, be it in the trash. Raises `NotFound`, also for one that is gone for good."""
    is_gone = connection.execute(_IS_GONE, (id_,)).fetchone()
    if is_gone is None:
        raise NotFound(f"There is no take {id_}.", field="$.take")
    if is_gone[0]:
        raise NotFound(f"Take {id_} was deleted for good.", field="$.take")
    return take_of(connection.execute(_ONE_TAKE, (id_,)).fetchone(), labels.label_of(connection, id_))


def kept_take(connection: sqlite3.Connection, id_: int) -> Take:
    """Return one take that is not in the trash. Raises `NotFound`, `WrongState`."""
    found = take(connection, id_)
    if found.deleted_at is not None:
        raise WrongState(f"Take {id_} is in the trash: restore it first (imagineer restore {id_}).")
    return found


def listed_take(connection: sqlite3.Connection, id_: int) -> tuple[ListedTake, GenerateSpec, Path]:
    """Return a take with its names, what was asked for, and the folder of its batch. Raises as `take`."""
    found = take(connection, id_)
    *row, spec = connection.execute(_LISTED_TAKE, (id_,)).fetchone()
    return listed_of(tuple(row), found.label), drawing_of(spec), folder(connection, found.batch)


def get_take(connection: sqlite3.Connection, id_: int) -> tuple[Take, Path]:
    """Return a take and the absolute folder of its files. Raises `NotFound`."""
    found = take(connection, id_)
    return found, folder(connection, found.batch)


# ---------------------------------------------------------------- the whole


def snapshot(connection: sqlite3.Connection) -> Snap:
    """Return what a client that has seen nothing needs, as of the newest event."""
    return Snap(
        seq=outbox.newest(connection),
        jobs=_front(connection, SNAPSHOT_JOBS),
        batches=list_batches(connection, SNAPSHOT_BATCHES, None).batches,
        paused=pausing.is_paused(connection),
    )


def unfinished(connection: sqlite3.Connection) -> tuple[Unfinished, ...]:
    """Return the batches with jobs that are open or held, or that failed over the disk, oldest first."""
    return tuple(
        Unfinished(id_, folder, {file: take for take, file in connection.execute(_FILES, (id_,))})
        for id_, folder in connection.execute(_UNFINISHED).fetchall()
    )


def _column(rows: Iterable[Row]) -> list[str]:
    return [value for (value,) in rows]
