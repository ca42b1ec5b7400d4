"""The event rows: written in the transaction of the change they tell of, numbered without a gap.

A number is taken back when its transaction is rolled back, so `seq` counts exactly what was committed. Events are
pruned from the old end only.
"""

from __future__ import annotations

import sqlite3

import msgspec

from imagineerd.protocol import KIND_OF, EventBody

_ADD = "INSERT INTO event (at, kind, body) VALUES (?, ?, ?)"
_AFTER = "SELECT seq, kind, body, at FROM event WHERE seq > ? ORDER BY seq"
_NEWEST = "SELECT seq FROM sqlite_sequence WHERE name = 'event'"
_PRUNE = "DELETE FROM event WHERE seq <= ?"

_encode = msgspec.msgpack.Encoder().encode


class StoredEvent(msgspec.Struct, frozen=True):
    """A committed event; `body` is the MessagePack of the struct that `kind` names in `protocol.EVENTS`."""

    seq: int
    kind: str
    body: bytes
    at: float


def append(connection: sqlite3.Connection, body: EventBody, at: float) -> None:
    """Write one event into the running transaction."""
    connection.execute(_ADD, (at, KIND_OF[type(body)], _encode(body)))


def after(connection: sqlite3.Connection, seq: int) -> tuple[StoredEvent, ...]:
    """Return the events kept with a number above `seq`, oldest first."""
    return tuple(StoredEvent(*row) for row in connection.execute(_AFTER, (seq,)))


def newest(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event ever written, also when it was pruned; 0 before the first."""
    row = connection.execute(_NEWEST).fetchone()
    return int(row[0]) if row else 0


def since(connection: sqlite3.Connection, seq: int, limit: int) -> tuple[StoredEvent, ...] | None:
    """Return every event after `seq`; None where they are no longer all kept, or more than `limit`."""
    missed = newest(connection) - seq
    if not 0 <= missed <= limit:
        return None
    events = after(connection, seq)
    return events if len(events) == missed else None


def prune(connection: sqlite3.Connection, keep: int) -> int:
    """Delete all but the newest `keep` events; return how many went."""
    return connection.execute(_PRUNE, (newest(connection) - keep,)).rowcount
