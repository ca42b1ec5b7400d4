"""How fast pictures were drawn, for estimates: one running average for each key (model, size, device, …)."""

from __future__ import annotations

import sqlite3

_RECORD = """
    INSERT INTO speed (key, seconds) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET seconds = 0.7 * seconds + 0.3 * excluded.seconds
"""
_SPEED = "SELECT seconds FROM speed WHERE key = ?"


def record_speed(connection: sqlite3.Connection, key: str, seconds: float) -> None:
    """Let a measurement count three tenths of the average."""
    connection.execute(_RECORD, (key, seconds))


def speed(connection: sqlite3.Connection, key: str) -> float | None:
    """Return the average seconds of a key; None before the first measurement."""
    row = connection.execute(_SPEED, (key,)).fetchone()
    return None if row is None else float(row[0])
