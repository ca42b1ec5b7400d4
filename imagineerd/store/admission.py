"""Who may still come into the queue when it is long.

The queue has a limit, and one client alone may use all of it. Where that leaves no room, another is let in all the
same until it has its share, which is the limit divided by the clients that wait: so no client locks the others out by
asking first. All together never have more than twice the limit.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from imagineerd.errors import Full

MOST: Final = 2
"""How many times the limit all clients together may have."""

_WAITING = "SELECT sum(jobs) FROM tally WHERE state IN ('queued', 'held')"
# What a person moved has left its client's turns and counts for nobody.
_OWN = """
    SELECT (SELECT count(*) FROM job INDEXED BY job_turns WHERE state = 'queued' AND rank = id AND client = :client)
         + (SELECT count(*) FROM job INDEXED BY job_by_state WHERE state = 'held' AND client = :client)
"""
# One step into the index for each client, however many jobs it has.
_OTHERS = """
    WITH RECURSIVE waiting (client) AS (
        SELECT min(client) FROM job INDEXED BY job_turns WHERE state = 'queued' AND rank = id
        UNION ALL
        SELECT (
            SELECT min(client) FROM job INDEXED BY job_turns
            WHERE state = 'queued' AND rank = id AND client > waiting.client
        ) FROM waiting WHERE waiting.client IS NOT NULL
    )
    SELECT count(*) FROM waiting WHERE client <> ?
"""


def check_room(connection: sqlite3.Connection, client: str, count: int, limit: int) -> None:
    """Raise `Full` where `count` more jobs of a client, with all that waits or is held, are more than fit."""
    (waiting,) = connection.execute(_WAITING).fetchone()
    if not count or waiting + count <= limit:
        return
    (own,) = connection.execute(_OWN, {"client": client}).fetchone()
    (others,) = connection.execute(_OTHERS, (client,)).fetchone()
    share = limit // (others + 1)
    if own + count > share or waiting + count > MOST * limit:
        yours = f", {own:,} of them yours, and your share is {share:,}" if others else ""
        raise Full(
            f"The queue holds {waiting:,} jobs and takes {limit:,}{yours}: {count:,} more do not fit."
            " Wait until some are done, or cancel some."
        )
