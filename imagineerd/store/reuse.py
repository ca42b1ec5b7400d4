"""Pictures that were drawn before: which waiting jobs ask for one of them, and what becomes of those.

A job's `picture` is the hash of all that its picture depends on (`jobs.picture_key`), empty while that is not known.
"""

# ruff: noqa: S608  the query is put together from constants only

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from imagineerd.jobs import State
from imagineerd.protocol import Take
from imagineerd.store import moves, pages
from imagineerd.store.moves import NewTake
from imagineerd.store.rows import TAKE, take_of

_EARLIER: Final = f"""
    SELECT {", ".join(f"take.{column}" for column in TAKE.split(", "))}
    FROM job JOIN job AS earlier ON earlier.picture = job.picture JOIN take ON take.job = earlier.id
    WHERE job.id = ? AND job.state = 'queued' AND job.picture <> '' AND earlier.picture <> '' AND take.place = 'kept'
    ORDER BY take.id DESC LIMIT 1
"""


class Reusable(msgspec.Struct, frozen=True):
    """A waiting job and a take of the same picture, with the folders of their batches."""

    job: int
    batch: str
    slot: int
    name: str
    folder: Path
    take: Take
    source: Path


def find(connection: sqlite3.Connection, jobs: Iterable[int]) -> tuple[Reusable, ...]:
    """Return those of the jobs that wait for a picture that is kept, each with the newest take of it."""
    found = ((job, connection.execute(_EARLIER, (job,)).fetchone()) for job in jobs)
    return tuple(_reusable(connection, job, take_of(row)) for job, row in found if row is not None)


def finish(connection: sqlite3.Connection, job: int, new: NewTake, at: float) -> Take | None:
    """Finish a job that waits with a picture that is there; None, and nothing is done, where it waits no more."""
    if moves.find(connection, job).state is not State.QUEUED:
        return None
    (started,) = moves.claim(connection, (job,), at)
    return moves.finish(connection, job, started.attempts, new, at)


def _reusable(connection: sqlite3.Connection, id_: int, take: Take) -> Reusable:
    job = pages.job(connection, id_)
    folders = (pages.folder(connection, batch) for batch in (job.batch, take.batch))
    return Reusable(id_, job.batch, job.slot, job.spec.name, next(folders), take, next(folders))
