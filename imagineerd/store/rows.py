"""Rows of the database as the values of `jobs.py` and `protocol.py`, and back."""

from __future__ import annotations

import sqlite3
from typing import Any, Final, TypeAlias

import msgspec

from imagineerd.jobs import GenerateSpec, Job, JobError, JobSpec, State
from imagineerd.protocol import Label, ListedTake, Take

Row: TypeAlias = tuple[Any, ...]

JOB: Final = (
    "id, batch, slot, state, spec, priority, attempts, cancel_requested,"
    " submitted_at, started_at, ended_at, error_code, error_message, take, turn, rank"
)
NEW_TAKE: Final = "id, batch, slot, job, file, seed, width, height, bytes, sha256, color, created_at, duration, cached"
TAKE: Final = f"{NEW_TAKE}, favourite, deleted_at"
LISTED: Final = (
    ", ".join(f"take.{column}" for column in TAKE.split(", "))
    + ", slot.name, batch.set_id, batch.title, batch.theme, slot.pick IS take.id"
)
"""A take with what names it, of `take` joined to its `slot` and `batch`."""


_encode = msgspec.msgpack.Encoder().encode
_spec_decoder: Final[msgspec.msgpack.Decoder[JobSpec]] = msgspec.msgpack.Decoder(JobSpec)
_decode_spec: Final = _spec_decoder.decode
_decode_drawing: Final = msgspec.msgpack.Decoder(GenerateSpec).decode


def spec_blob(spec: JobSpec) -> bytes:
    """Return a spec as it is stored: MessagePack, tagged by its kind."""
    return _encode(spec)


def spec_of(blob: bytes) -> JobSpec:
    """Read a stored spec."""
    return _decode_spec(blob)


def drawing_of(blob: bytes) -> GenerateSpec:
    """Read the stored spec of a slot, which is a picture."""
    return _decode_drawing(blob)


def job_of(row: Row) -> Job:
    """Read a row of the columns `JOB`."""
    id_, batch, slot, state, spec, priority, attempts, stopping, *rest = row
    submitted_at, started_at, ended_at, code, message, take, turn, rank = rest
    return Job(
        id=id_,
        batch=batch,
        slot=slot,
        state=State(state),
        spec=_decode_spec(spec),
        priority=priority,
        attempts=attempts,
        cancel_requested=bool(stopping),
        submitted_at=submitted_at,
        started_at=started_at,
        ended_at=ended_at,
        error=error_of(code, message),
        take=take,
        turn=turn,
        rank=rank,
    )


def error_of(code: str | None, message: str | None) -> JobError | None:
    """Read the two columns of a job's error."""
    return None if code is None else JobError(code, message or "")


def take_of(row: Row, label: Label | None = None) -> Take:
    """Read a row of the columns `TAKE`; its label stands elsewhere."""
    *new, cached, favourite, deleted_at = row
    rating = label.rating if label else ""
    return Take(
        **dict(zip(NEW_TAKE.split(", ")[:-1], new, strict=True)),
        cached=bool(cached),
        favourite=bool(favourite),
        deleted_at=deleted_at,
        rating=rating or None,
        is_nsfw=label.is_nsfw if label and rating else None,
        label=label,
    )


def listed_of(row: Row, label: Label | None) -> ListedTake:
    """Read a row of the columns `LISTED`."""
    *take, card, set_id, title, theme, picked = row
    found = take_of(tuple(take), label)
    return ListedTake(take=found, card=card, set=set_id, title=title, theme=theme, pick=bool(picked))


def next_id(connection: sqlite3.Connection, table: str) -> int:
    """Return the id that the next row of an AUTOINCREMENT table gets; never one that was used before."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    row = found.fetchone()
    return int(row[0]) + 1 if row else 1
