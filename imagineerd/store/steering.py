"""A person steers the queue: hold, release, retry, put elsewhere. Each in the transaction of its caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from imagineerd.errors import Invalid, WrongState
from imagineerd.jobs import BY_HAND, State, sources_of
from imagineerd.protocol import End, Held, Placed, Retried
from imagineerd.store import order
from imagineerd.store.moves import Entry, chosen, find, in_state, move

RETRYABLE: Final = frozenset(sources_of(State.QUEUED)) - {State.RUNNING}
_IN_ORDER = f"SELECT id FROM job WHERE batch = ? AND state = 'queued' ORDER BY {order.ORDER}"  # noqa: S608  a constant


def hold(connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None, at: float) -> Held:
    """Hold the named jobs, or those of a batch, as far as they wait; return those that are held now.

    Raises `NotFound`, and `WrongState` where jobs are named and none of them waits or is held.
    """
    entries = chosen(connection, jobs, batch, (State.QUEUED,))
    held = tuple(
        entry.id
        for entry in entries
        if entry.state is State.HELD
        or (entry.state is State.QUEUED and move(connection, entry, State.HELD, at, error=BY_HAND))
    )
    _refuse_none(entries, held, "Only jobs that wait can be held.")
    return Held(jobs=held)


def release(connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None, at: float) -> Retried:
    """Queue held jobs again, or all that are held of a batch, with fresh attempts.

    Raises `NotFound`, and `WrongState` where jobs are named and none of them is held.
    """
    entries = chosen(connection, jobs, batch, (State.HELD,))
    again = _queue(connection, [entry for entry in entries if entry.state is State.HELD], at)
    _refuse_none(entries, again, "Only held jobs can be released.")
    return Retried(jobs=again)


def retry(
    connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None, at: float, *, failed: bool = False
) -> Retried:
    """Queue failed, cancelled and held jobs again, with fresh attempts.

    Of a batch, and with `failed` of all batches, those that failed and whose worker died; what a person holds stays.
    Raises `NotFound`, and `WrongState` where jobs are named and none can be retried.
    """
    if failed:
        entries = [*in_state(connection, State.FAILED), *in_state(connection, State.HELD)]
    else:
        entries = chosen(connection, jobs, batch, (State.FAILED, State.HELD))
    again = _queue(connection, [entry for entry in entries if _retryable(entry, named=bool(jobs))], at)
    if jobs:
        _refuse_none(entries, again, "Only failed, cancelled and held jobs can be queued again.")
    return Retried(jobs=again)


def place(  # noqa: PLR0913, PLR0917  which jobs, and where
    connection: sqlite3.Connection,
    jobs: Sequence[int],
    batch: str | None,
    end: End | None,
    before: int | None,
    at: float,
) -> Placed:
    """Put waiting jobs, or those of a batch, at an end of the queue or right before another waiting job.

    They take the priority of their new neighbour. Raises `NotFound`, `Invalid` where they are to stand before
    themselves, and `WrongState` where jobs are named and none waits, or `before` does not.
    """
    ids = _waiting(connection, jobs, batch)
    if before is not None and find(connection, before).state is not State.QUEUED:
        raise WrongState(f"Job {before} does not wait: nothing can stand before it.", field="$.before")
    if before in ids:
        raise Invalid(message=f"Job {before} cannot stand before itself.", field="$.before")
    if not ids:
        return Placed()
    if before is not None:
        places = order.put_before(connection, ids, before)
    else:
        places = order.put_first(connection, ids) if end == "top" else order.put_last(connection, ids)
    order.announce(connection, places, at)
    return Placed(jobs=tuple(place.job for place in places))


def set_priority(
    connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None, priority: int, at: float
) -> Placed:
    """Give waiting jobs, or those of a batch, another priority. Raises as `place`."""
    ids = _waiting(connection, jobs, batch)
    places = order.line_up(connection, [id_ for id_ in ids if order.priority_of(connection, id_) != priority], priority)
    order.announce(connection, places, at)
    return Placed(jobs=tuple(place.job for place in places))


def _queue(connection: sqlite3.Connection, entries: Sequence[Entry], at: float) -> tuple[int, ...]:
    """Queue jobs again, behind what their clients have waiting already."""
    places = order.line_up(connection, [entry.id for entry in entries])
    again = tuple(entry.id for entry in entries if move(connection, entry, State.QUEUED, at, attempts=0))
    order.announce(connection, places, at)
    return again


def _retryable(entry: Entry, *, named: bool) -> bool:
    return entry.state in RETRYABLE and (named or entry.code != BY_HAND.code)


def _waiting(connection: sqlite3.Connection, jobs: Sequence[int], batch: str | None) -> tuple[int, ...]:
    """Return the named jobs that wait, or those of a batch in the order of the queue."""
    entries = chosen(connection, jobs, batch, (State.QUEUED,))
    if batch is not None:
        return tuple(id_ for (id_,) in connection.execute(_IN_ORDER, (entries[0].batch,))) if entries else ()
    waiting = tuple(entry.id for entry in entries if entry.state is State.QUEUED)
    _refuse_none(entries, waiting, "Only jobs that wait have a place in the queue.")
    return waiting


def _refuse_none(entries: Sequence[Entry], done: Sequence[int], rule: str) -> None:
    if entries and not done:
        raise WrongState(f"Job {entries[0].id} is {entries[0].state.value}. {rule}")
