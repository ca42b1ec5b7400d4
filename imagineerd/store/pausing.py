"""Whether the queue is paused: kept beside the jobs, so that a restart does not forget it."""

from __future__ import annotations

import sqlite3

from imagineerd.protocol import PauseChanged
from imagineerd.store import outbox

_PAUSED = "SELECT value FROM meta WHERE key = 'paused'"
_PAUSE = "INSERT OR REPLACE INTO meta (key, value) VALUES ('paused', ?)"


def pause(connection: sqlite3.Connection, paused: bool, at: float) -> None:  # noqa: FBT001  it is the subject
    """Pause the queue, or let it go on: while it is paused no job is started, not even after a restart."""
    if is_paused(connection) != paused:
        connection.execute(_PAUSE, (str(int(paused)),))
        outbox.append(connection, PauseChanged(paused=paused), at)


def is_paused(connection: sqlite3.Connection) -> bool:
    """Say whether the queue is paused."""
    return bool(connection.execute(_PAUSED).fetchone() == ("1",))
