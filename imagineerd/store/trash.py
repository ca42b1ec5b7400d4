"""Rows of takes: kept, in the trash, or gone for good. How their files follow stands in `imagineerd.trash`.

A row never goes: jobs and events name it. What is gone for good has lost its files and is never shown again.
"""

# ruff: noqa: S608  the queries are put together from constants only

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from imagineerd.protocol import Take, TakeChanged, TakeDeleted, TakeRestored, Takes, TrashEmptied
from imagineerd.store import labels, outbox, pages, picks, search
from imagineerd.store.rows import LISTED, TAKE

Place = Literal["kept", "trash", "gone"]

_NO_LIMIT = 2**63 - 1
_FAVOURITE = "UPDATE take SET favourite = ?1 WHERE id = ?2 AND favourite <> ?1"
_OF_BATCH = f"SELECT {TAKE} FROM take WHERE batch = ? AND place = ? ORDER BY id"
_IN_TRASH = f"SELECT {TAKE} FROM take INDEXED BY take_trash WHERE place = 'trash' ORDER BY id"
_DELETE = "UPDATE take SET place = 'trash', deleted_at = ? WHERE id = ?"
_RESTORE = "UPDATE take SET place = 'kept', deleted_at = NULL WHERE id = ?"
_FORGET = "UPDATE take SET place = 'gone' WHERE id = ?"
_RENAME = "UPDATE take SET file = ? WHERE id = ?"
_PLACE = "SELECT place FROM take WHERE id = ?"
_PAGE = f"""
    SELECT {LISTED} FROM take INDEXED BY take_trash
    JOIN slot ON slot.batch = take.batch AND slot.idx = take.slot JOIN batch ON batch.id = take.batch
    WHERE take.place = 'trash' AND take.id < ? ORDER BY take.id DESC LIMIT ?
"""


class Stored(NamedTuple):
    """A take and the folder of its batch."""

    take: Take
    folder: Path


def favourite(connection: sqlite3.Connection, takes: Iterable[int], at: float, *, on: bool) -> None:
    """Mark takes as favourites or not. Raises `NotFound`, `WrongState` for one in the trash; then none is changed."""
    for id_ in takes:
        pages.kept_take(connection, id_)
        if connection.execute(_FAVOURITE, (int(on), id_)).rowcount:
            outbox.append(connection, TakeChanged(take=pages.take(connection, id_)), at)


def chosen(connection: sqlite3.Connection, takes: Iterable[int], batch: str | None, place: Place) -> tuple[Stored, ...]:
    """Return those of the named takes, or of the takes of a batch, that are in that place.

    Raises `NotFound` for a take or batch that does not exist, and for a take that is gone for good.
    """
    found = [take for id_ in dict.fromkeys(takes) if _is_at(take := pages.take(connection, id_), place)]
    if batch is not None:
        rows = connection.execute(_OF_BATCH, (pages.find_batch(connection, batch), place))
        found += labels.takes_of(connection, rows)
    return _stored(connection, found)


def in_trash(connection: sqlite3.Connection) -> tuple[Stored, ...]:
    """Return every take in the trash, oldest first."""
    return _stored(connection, labels.takes_of(connection, connection.execute(_IN_TRASH)))


def delete(connection: sqlite3.Connection, takes: Sequence[Take], at: float) -> None:
    """The files of these kept takes are in the trash: so are they."""
    for take in takes:
        connection.execute(_DELETE, (at, take.id))
        pick = picks.settle(connection, take.batch, take.slot)
        outbox.append(connection, TakeDeleted(take=take.id, batch=take.batch, slot=take.slot, pick=pick), at)


def rename(connection: sqlite3.Connection, take: int, file: str) -> None:
    """The file of a take in the trash is about to go home under another name."""
    connection.execute(_RENAME, (file, take))


def restore(connection: sqlite3.Connection, takes: Sequence[Take], at: float) -> None:
    """The files of these takes are back home: so are they."""
    for take in takes:
        connection.execute(_RESTORE, (take.id,))
        pick = picks.settle(connection, take.batch, take.slot)
        outbox.append(connection, TakeRestored(take=pages.take(connection, take.id), pick=pick), at)


def empty(connection: sqlite3.Connection, deleted_before: float, at: float) -> tuple[Take, ...]:
    """Give up the takes that were deleted before that time; return them."""
    doomed = tuple(
        take for take, _ in in_trash(connection) if take.deleted_at is not None and take.deleted_at < deleted_before
    )
    for take in doomed:
        connection.execute(_FORGET, (take.id,))
        search.remove(connection, take.id)
    if doomed:
        outbox.append(connection, TrashEmptied(takes=tuple(take.id for take in doomed)), at)
    return doomed


def list_trash(connection: sqlite3.Connection, limit: int, before: int | None) -> Takes:
    """Return the newest takes in the trash, or those older than `before`."""
    rows = connection.execute(_PAGE, (_NO_LIMIT if before is None else before, limit + 1)).fetchall()
    takes = labels.listed(connection, rows[:limit])
    return Takes(takes=takes, before=takes[-1].take.id if len(rows) > limit else None)


def places(connection: sqlite3.Connection, takes: Iterable[int]) -> dict[int, Place]:
    """Return where each take is; one that never was is left out."""
    found = ((id_, connection.execute(_PLACE, (id_,)).fetchone()) for id_ in takes)
    return {id_: row[0] for id_, row in found if row}


def _is_at(take: Take, place: Place) -> bool:
    return (take.deleted_at is None) == (place == "kept")


def _stored(connection: sqlite3.Connection, takes: Iterable[Take]) -> tuple[Stored, ...]:
    folders: dict[str, Path] = {}
    for take in takes:
        folders[take.batch] = folders.get(take.batch) or pages.folder(connection, take.batch)
    return tuple(Stored(take, folders[take.batch]) for take in takes)
