"""Saved mixes. They stand in the database, and in no file to edit, so that a save and its event are one commit."""

from __future__ import annotations

import sqlite3

import msgspec

from imagineerd.errors import Invalid, NotFound, did_you_mean
from imagineerd.jobs import Mix
from imagineerd.protocol import MixesChanged, MixInfo
from imagineerd.store import outbox
from imagineerd.store.rows import Row

_ALL = "SELECT name, loras, saved_at FROM mix ORDER BY name"
_ONE = "SELECT name, loras, saved_at FROM mix WHERE name = ?"
_SAVE = """
    INSERT INTO mix (name, loras, saved_at) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name, loras = excluded.loras, saved_at = excluded.saved_at
"""
_RENAME = "UPDATE mix SET name = ? WHERE name = ?"
_DELETE = "DELETE FROM mix WHERE name = ?"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Mix).decode


def list_mixes(connection: sqlite3.Connection) -> tuple[MixInfo, ...]:
    """Return the saved mixes, by name."""
    return tuple(_mix_of(row) for row in connection.execute(_ALL))


def get_mix(connection: sqlite3.Connection, name: str) -> MixInfo:
    """Return a saved mix, whatever the case of its name. Raises `NotFound`."""
    row = connection.execute(_ONE, (name,)).fetchone()
    if row is None:
        known = did_you_mean(name, [mix.name for mix in list_mixes(connection)])
        raise NotFound(f'There is no mix "{name}".{known}', field="$.name")
    return _mix_of(row)


def save_mix(connection: sqlite3.Connection, name: str, mix: Mix, at: float) -> MixInfo:
    """Save a mix in place of an earlier one of that name."""
    connection.execute(_SAVE, (name, _encode(mix), at))
    outbox.append(connection, MixesChanged(names=(name,)), at)
    return get_mix(connection, name)


def rename_mix(connection: sqlite3.Connection, name: str, to: str, at: float) -> MixInfo:
    """Give a mix another name. Raises `NotFound`, and `Invalid` where another mix has that name."""
    old = get_mix(connection, name)
    if to.lower() != old.name.lower() and connection.execute(_ONE, (to,)).fetchone():
        raise Invalid(message=f'There is a mix "{to}" already: delete it first, or choose another name.', field="$.to")
    connection.execute(_RENAME, (to, old.name))
    outbox.append(connection, MixesChanged(names=(old.name, to)), at)
    return get_mix(connection, to)


def delete_mix(connection: sqlite3.Connection, name: str, at: float) -> None:
    """Delete a mix. Raises `NotFound`."""
    old = get_mix(connection, name)
    connection.execute(_DELETE, (old.name,))
    outbox.append(connection, MixesChanged(names=(old.name,)), at)


def _mix_of(row: Row) -> MixInfo:
    name, loras, saved_at = row
    return MixInfo(name=name, mix=_decode(loras), saved_at=saved_at)
