"""Labels of takes, read: what is said of a picture now, and all that ever was. How they are written: `sayings`."""

# ruff: noqa: S608  the queries are put together from constants only

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import cast

from imagineerd.errors import NotFound
from imagineerd.protocol import NSFW, AnyRating, Label, Labels, ListedTake, Take
from imagineerd.store.rows import Row, listed_of, take_of

_LABELING = "labeling.id, person, model, prompt, prompt_version, labeling.job, labeling.at, answer"
_CURRENT_OF_TAKE = f"SELECT take, {_LABELING} FROM labeling WHERE take = ? AND current = 1"
_CURRENT_OF_BATCH = f"""
    SELECT take, {_LABELING} FROM labeling JOIN take ON take.id = labeling.take
    WHERE take.batch = ? AND current = 1
"""
_HISTORY = f"SELECT take, {_LABELING} FROM labeling WHERE take = ? ORDER BY id DESC"
_PARTS = "SELECT type, text FROM label WHERE labeling = ? ORDER BY type, position"
_TAKE = "SELECT 1 FROM take WHERE id = ?"


def label_of(connection: sqlite3.Connection, take: int) -> Label | None:
    """Return the label that a take has now."""
    row = connection.execute(_CURRENT_OF_TAKE, (take,)).fetchone()
    return None if row is None else _label(connection, row)


def labels_of_batch(connection: sqlite3.Connection, batch: str) -> dict[int, Label]:
    """Return the labels that the takes of a batch have now, by take."""
    rows = connection.execute(_CURRENT_OF_BATCH, (batch,)).fetchall()
    return {row[0]: _label(connection, row) for row in rows}


def takes_of(connection: sqlite3.Connection, rows: Iterable[Row]) -> list[Take]:
    """Read rows of the columns `TAKE`, each with its label."""
    return [take_of(row, label_of(connection, row[0])) for row in rows]


def listed(connection: sqlite3.Connection, rows: Iterable[Row]) -> tuple[ListedTake, ...]:
    """Read rows of the columns `LISTED`, each take with its label."""
    return tuple(listed_of(row, label_of(connection, row[0])) for row in rows)


def history(connection: sqlite3.Connection, take: int) -> Labels:
    """Return every label that a take ever had, newest first, with the labelers' own words. Raises `NotFound`."""
    if connection.execute(_TAKE, (take,)).fetchone() is None:
        raise NotFound(f"There is no take {take}.", field="$.take")
    rows = connection.execute(_HISTORY, (take,)).fetchall()
    labels = tuple(_label(connection, row, whole=True) for row in rows)
    now = label_of(connection, take)
    return Labels(take=take, current=now.id if now else None, labels=labels)


def _label(connection: sqlite3.Connection, row: Row, *, whole: bool = False) -> Label:
    _, id_, person, model, prompt, version, job, at, answer = row
    parts: dict[str, list[str]] = {"caption": [], "rating": [], "tag": []}
    for type_, text in connection.execute(_PARTS, (id_,)):
        parts[type_].append(text)
    rating = cast("AnyRating", "".join(parts["rating"]))
    return Label(
        id=id_,
        caption="".join(parts["caption"]),
        rating=rating,
        tags=tuple(parts["tag"]),
        is_nsfw=rating in NSFW,
        model=model,
        prompt=prompt,
        prompt_version=version,
        person=person,
        job=job,
        at=at,
        answer=answer if whole else "",
    )
