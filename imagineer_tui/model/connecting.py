"""What the banner says while the daemon does not answer."""

from __future__ import annotations

from imagineer_tui.model.world import Connection
from imagineer_tui.words import clock

_MINUTE = 60


def sentence(connection: Connection, now: float) -> str:
    """Return what is wrong, how old the data are, and when the next try is; empty while all is well."""
    if connection.phase != "away":
        return ""
    if connection.starting:
        return "imagineerd is being started …"
    age = connection.age(now)
    old = f"What you see is {_span(age)} old. " if age is not None else ""
    return f"{connection.why} {old}{_trying(connection, now)}"


def _trying(connection: Connection, now: float) -> str:
    left = None if connection.retry_at is None else round(connection.retry_at - now)
    return f"Trying again in {left} s." if left and left > 0 else "Trying again …"


def _span(seconds: float) -> str:
    return f"{round(seconds)} s" if seconds < _MINUTE else clock(seconds)
