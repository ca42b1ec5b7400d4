"""The pick of a slot: the take that counts.

A slot also knows which pick was wanted: the first take, or the one that a person chose (`slot.chosen`). Deleting that
one lets the newest take that is kept count meanwhile; when it is restored it counts again.
"""

from __future__ import annotations

import sqlite3

from imagineerd.protocol import PickChanged, Take
from imagineerd.store import outbox, pages

_FIRST = """
    UPDATE slot SET pick = ?1, chosen = coalesce(chosen, ?1) WHERE batch = ?2 AND idx = ?3 AND pick IS NULL
"""
_CHOOSE = "UPDATE slot SET pick = ?1, chosen = ?1 WHERE batch = ?2 AND idx = ?3"
_CHOSEN = "SELECT chosen, pick FROM slot WHERE batch = ? AND idx = ?"
_RIGHT_ONE = """
    SELECT id FROM take WHERE batch = ? AND slot = ? AND place = 'kept'
    ORDER BY id IS ? DESC, id IS ? DESC, id DESC LIMIT 1
"""
_SETTLE = "UPDATE slot SET pick = ? WHERE batch = ? AND idx = ?"


def set_pick(connection: sqlite3.Connection, take_id: int, at: float) -> Take:
    """Make a take the one that counts for its slot. Raises `NotFound`, `WrongState` for one in the trash."""
    take = pages.kept_take(connection, take_id)
    _, before = connection.execute(_CHOSEN, (take.batch, take.slot)).fetchone()
    connection.execute(_CHOOSE, (take.id, take.batch, take.slot))
    if before != take.id:
        outbox.append(connection, PickChanged(batch=take.batch, slot=take.slot, take=take.id), at)
    return take


def pick_first(connection: sqlite3.Connection, take: Take) -> bool:
    """Let a new take count where no other does; say whether it counts."""
    return connection.execute(_FIRST, (take.id, take.batch, take.slot)).rowcount == 1


def settle(connection: sqlite3.Connection, batch: str, slot: int) -> int | None:
    """After a take of the slot went or came back: let the right one count, and return it; None where none is kept."""
    wished = connection.execute(_CHOSEN, (batch, slot)).fetchone()
    found = connection.execute(_RIGHT_ONE, (batch, slot, *wished)).fetchone()
    pick: int | None = found and found[0]
    connection.execute(_SETTLE, (pick, batch, slot))
    return pick
