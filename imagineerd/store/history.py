"""What is forgotten: batches of which no picture is left; and the room in the file that what went has left behind.

Takes that are kept or in the trash are never touched, nor is a file. These functions run alone, outside of the
transactions of others (`Store.run_alone`).
"""

from __future__ import annotations

import sqlite3
from typing import Final

from imagineerd.protocol import BatchesForgotten
from imagineerd.store import outbox

BITE: Final = 50
"""Batches that are forgotten in one transaction: it holds up the queue for some milliseconds."""

_LONG_AGO = """
    SELECT id FROM batch WHERE takes = 0 AND created_at < :before
      AND NOT EXISTS (SELECT 1 FROM take WHERE take.batch = batch.id AND place = 'trash')
      AND NOT EXISTS (
          SELECT 1 FROM job
          WHERE job.batch = batch.id AND (state IN ('queued', 'running', 'held') OR ended_at >= :before)
      )
    ORDER BY number LIMIT :limit
"""
_FORGET = (
    """
    DELETE FROM label WHERE labeling IN (
        SELECT labeling.id FROM labeling JOIN take ON take.id = labeling.take WHERE take.batch = :id
    )
    """,
    "DELETE FROM labeling WHERE take IN (SELECT id FROM take WHERE batch = :id)",
    "DELETE FROM sidecar_due WHERE take IN (SELECT id FROM take WHERE batch = :id)",
    """
    UPDATE tally SET jobs = jobs - (
        SELECT count(*) FROM job WHERE job.batch = :id AND job.state = tally.state
    )
    """,
    "DELETE FROM take WHERE batch = :id",
    "DELETE FROM job WHERE batch = :id",
    "DELETE FROM slot WHERE batch = :id",
    "DELETE FROM batch WHERE id = :id",
)


def forget(connection: sqlite3.Connection, before: float, at: float, limit: int = BITE) -> int:
    """Forget the oldest batches that were dealt and ended before that time and keep no picture; return how many went.

    `at` is the time now, in Unix seconds.

    All that refers to a batch goes with it, so that nothing is left to be checked: SQLite would look through whole
    tables for each row that goes.
    """
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        return _forget(connection, before, at, limit)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def empty_share(connection: sqlite3.Connection) -> tuple[float, int]:
    """Return which part of the file lies empty, from 0 to 1, and how many bytes that is."""
    empty, pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count", "page_size")
    )
    return empty / max(pages, 1), empty * size


def vacuum(connection: sqlite3.Connection) -> None:
    """Write the file anew without what lies empty. It takes as much room again meanwhile."""
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _forget(connection: sqlite3.Connection, before: float, at: float, limit: int) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        old = [id_ for (id_,) in connection.execute(_LONG_AGO, {"before": before, "limit": limit})]
        for statement in _FORGET:
            connection.executemany(statement, ({"id": id_} for id_ in old))
        if old:
            outbox.append(connection, BatchesForgotten(batches=tuple(old)), at)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return len(old)
