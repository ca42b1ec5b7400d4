"""Where queued jobs stand: they are given turns (`scheduler`), and a person may put them elsewhere.

What a change costs depends on the jobs that it names, not on those that wait: every look at the queue is one step into
an index. A job that a person moved takes no turn of its client's: its rank is no longer its id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from imagineerd.protocol import JobsPlaced, Place
from imagineerd.scheduler import next_turn, ranks
from imagineerd.store import outbox

ORDER: Final = "priority DESC, turn, rank, id"
PLACES_OF_AN_EVENT: Final = 1000

_FRONT = """
    SELECT turn FROM job INDEXED BY job_waiting WHERE state = 'queued' AND priority = ? ORDER BY turn LIMIT 1
"""
_RUNNING = "SELECT turn FROM job INDEXED BY job_by_state WHERE state = 'running' AND priority = ?"
_LAST_OF_CLIENT = """
    SELECT turn FROM job INDEXED BY job_turns
    WHERE state = 'queued' AND rank = id AND client = ? AND priority = ? ORDER BY turn DESC LIMIT 1
"""
_WHOSE = "SELECT client, priority FROM job WHERE id = ?"
_PRIORITY = "SELECT priority FROM job WHERE id = ?"
_PLACE = "SELECT id, priority, turn, rank FROM job"
_ONE = f"{_PLACE} WHERE id = ? AND state = 'queued'"
_FIRST = f"{_PLACE} INDEXED BY job_waiting WHERE state = 'queued' ORDER BY {ORDER} LIMIT 1"
_LAST = f"""
    {_PLACE} INDEXED BY job_waiting WHERE state = 'queued' ORDER BY priority, turn DESC, rank DESC, id DESC LIMIT 1
"""
_OF_TURN = f"""
    {_PLACE} INDEXED BY job_waiting WHERE state = 'queued' AND priority = ? AND turn = ? ORDER BY rank, id
"""
_RANK_AHEAD = """
    SELECT rank FROM job INDEXED BY job_waiting
    WHERE state = 'queued' AND priority = ? AND turn = ? AND (rank, id) < (?, ?) ORDER BY rank DESC, id DESC LIMIT 1
"""
_PUT = "UPDATE job SET priority = ?, turn = ?, rank = ? WHERE id = ?"


def turn_for(connection: sqlite3.Connection, client: str, priority: int) -> int:
    """Return the turn of the next job that this client queues at a priority.

    Where nothing waits, what runs is the front: it may come back, and must not stand behind all that came meanwhile.
    """
    waits = connection.execute(_FRONT, (priority,)).fetchone()
    front = waits or min(connection.execute(_RUNNING, (priority,)), default=None)
    last = connection.execute(_LAST_OF_CLIENT, (client, priority)).fetchone()
    return next_turn(front and front[0], last and last[0])


def priority_of(connection: sqlite3.Connection, job: int) -> int:
    """Return the priority of a job that exists."""
    return int(connection.execute(_PRIORITY, (job,)).fetchone()[0])


def line_up(connection: sqlite3.Connection, jobs: Iterable[int], priority: int | None = None) -> tuple[Place, ...]:
    """Give each job the next turn of its client, at a priority or at its own; return the places.

    The jobs do not wait at that priority yet.
    """
    turns: dict[tuple[str, int], int] = {}
    places = []
    for job in jobs:
        client, own = connection.execute(_WHOSE, (job,)).fetchone()
        level = own if priority is None else priority
        turn = turns.get((client, level))
        turn = turn_for(connection, client, level) if turn is None else turn
        turns[client, level] = turn + 1
        places.append(_put(connection, Place(job=job, priority=level, turn=turn, rank=float(job))))
    return tuple(places)


def put_first(connection: sqlite3.Connection, jobs: Sequence[int]) -> tuple[Place, ...]:
    """Put queued jobs before all others, in this order; return the places that changed."""
    return _put_before(connection, jobs, Place(*connection.execute(_FIRST).fetchone()))


def put_last(connection: sqlite3.Connection, jobs: Sequence[int]) -> tuple[Place, ...]:
    """Put queued jobs behind all others, in this order; return the places that changed."""
    last = Place(*connection.execute(_LAST).fetchone())
    return _put_at(connection, jobs, last, ranks(last.rank, None, len(jobs)) or ())


def put_before(connection: sqlite3.Connection, jobs: Sequence[int], target: int) -> tuple[Place, ...]:
    """Put queued jobs right before a queued one that is none of them; return the places that changed."""
    return _put_before(connection, jobs, Place(*connection.execute(_ONE, (target,)).fetchone()))


def announce(connection: sqlite3.Connection, places: Sequence[Place], at: float) -> None:
    """Tell of the new places of jobs, a bounded number at a time."""
    for start in range(0, len(places), PLACES_OF_AN_EVENT):
        outbox.append(connection, JobsPlaced(places=tuple(places[start : start + PLACES_OF_AN_EVENT])), at)


def _put_before(connection: sqlite3.Connection, jobs: Sequence[int], target: Place) -> tuple[Place, ...]:
    """Put jobs into the turn of another one, before it; where there is no room, the turn is ranked anew."""
    found = connection.execute(_RANK_AHEAD, (target.priority, target.turn, target.rank, target.job)).fetchone()
    free = ranks(found and found[0], target.rank, len(jobs))
    if free is not None:
        return _put_at(connection, jobs, target, free)
    again = _rank_anew(connection, target)
    target = next(place for place in again if place.job == target.job)
    changed = {place.job: place for place in (*again, *_put_before(connection, jobs, target))}
    return tuple(changed.values())


def _rank_anew(connection: sqlite3.Connection, target: Place) -> tuple[Place, ...]:
    found = connection.execute(_OF_TURN, (target.priority, target.turn)).fetchall()
    places = (msgspec.structs.replace(Place(*row), rank=float(rank)) for rank, row in enumerate(found))
    return tuple(_put(connection, place) for place in places)


def _put_at(
    connection: sqlite3.Connection, jobs: Sequence[int], target: Place, free: Sequence[float]
) -> tuple[Place, ...]:
    return tuple(
        _put(connection, msgspec.structs.replace(target, job=job, rank=rank))
        for job, rank in zip(jobs, free, strict=True)
    )


def _put(connection: sqlite3.Connection, place: Place) -> Place:
    connection.execute(_PUT, (place.priority, place.turn, place.rank, place.job))
    return place
