"""The index of takes by text (SQLite's FTS5), and finding them.

It is made of the other tables and can be made again at any time: where it is missing, or was made by another `CREATE`,
opening the database does so. The column `labels` has captions and tags.
"""

# ruff: noqa: S608  the queries are put together from constants only

from __future__ import annotations

import sqlite3
from typing import Any, Final

from imagineerd.protocol import NSFW, Takes
from imagineerd.search import Query
from imagineerd.store import labels
from imagineerd.store.rows import LISTED, Row, drawing_of

_NO_LIMIT = 2**63 - 1
CREATE: Final = (
    "CREATE VIRTUAL TABLE take_text USING"
    " fts5(prompt, theme, sets, card, loras, labels, tokenize = 'unicode61 remove_diacritics 2')"
)
_NSFW: Final = ", ".join(f"'{rating}'" for rating in sorted(NSFW))
_CREATED = "SELECT sql FROM sqlite_master WHERE name = 'take_text'"
_CURRENT = "label JOIN labeling ON labeling.id = label.labeling WHERE labeling.take = take.id AND labeling.current = 1"
_LABELS = f"coalesce((SELECT group_concat(label.text, ' ') FROM {_CURRENT} AND label.type <> 'rating'), '')"
_RATING = f"coalesce((SELECT label.text FROM {_CURRENT} AND label.type = 'rating'), '')"
_TEXTS = f"""
    SELECT take.id, job.spec, batch.theme, batch.set_id, batch.title, slot.name, batch.mixes, {_LABELS} FROM take
    JOIN job ON job.id = take.job JOIN batch ON batch.id = take.batch
    JOIN slot ON slot.batch = take.batch AND slot.idx = take.slot
"""
_ALL_TEXTS = f"{_TEXTS} WHERE take.place <> 'gone'"
_ONE_TEXT = f"{_TEXTS} WHERE take.id = ?"
_ADD = "INSERT INTO take_text (rowid, prompt, theme, sets, card, loras, labels) VALUES (?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM take_text WHERE rowid = ?"

_NAMES = "JOIN slot ON slot.batch = take.batch AND slot.idx = take.slot JOIN batch ON batch.id = take.batch"
_BY_TEXT = f"SELECT {LISTED} FROM take_text JOIN take ON take.id = take_text.rowid {_NAMES}"
_BY_ID = f"SELECT {LISTED} FROM take {_NAMES}"


def prepare(connection: sqlite3.Connection) -> None:
    """Make the index, unless it is there in this form."""
    if connection.execute(_CREATED).fetchone() == (CREATE,):
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP TABLE IF EXISTS take_text")
    connection.execute(CREATE)
    connection.executemany(_ADD, map(_texts_of, connection.execute(_ALL_TEXTS)))
    connection.execute("COMMIT")


def add(connection: sqlite3.Connection, take: int) -> None:
    """Take in a new take."""
    connection.execute(_ADD, _texts_of(connection.execute(_ONE_TEXT, (take,)).fetchone()))


def renew(connection: sqlite3.Connection, take: int) -> None:
    """Take in what is said of a take now; one that is gone is found by nothing."""
    remove(connection, take)
    if row := connection.execute(f"{_ONE_TEXT} AND take.place <> 'gone'", (take,)).fetchone():
        connection.execute(_ADD, _texts_of(row))


def remove(connection: sqlite3.Connection, take: int) -> None:
    """Leave out a take that is gone."""
    connection.execute(_REMOVE, (take,))


def find(connection: sqlite3.Connection, query: Query, batch: str | None, limit: int, before: int | None) -> Takes:
    """Return the newest kept takes that a query asks for, or those older than `before`; `batch` is an id."""
    match, without = query.match, query.without
    if match and without:  # a fifth of the time that two take
        match, without = f"({match}) NOT ({without})", ""
    tests = [
        "take_text MATCH :match" if query.match else "",
        "take.id NOT IN (SELECT rowid FROM take_text WHERE take_text MATCH :without)" if without else "",
        "take.batch = :batch" if batch else "+batch.audition = 0",  # +: by no index, which would want the takes sorted
        "" if query.favourite is None else f"take.favourite = {int(query.favourite)}",
        "" if query.pick is None else f"(slot.pick IS take.id) = {int(query.pick)}",
        f"{_RATING} = :rating" if query.rating else "",
        "" if query.nsfw is None else f"({_RATING} IN ({_NSFW})) = {int(query.nsfw)}",
        "take.place = 'kept'",
    ]
    number = "take_text.rowid" if query.match else "take.id"
    chosen = " AND ".join(filter(None, [*tests, f"{number} < :before"]))
    statement = f"{_BY_TEXT if query.match else _BY_ID} WHERE {chosen} ORDER BY {number} DESC LIMIT :limit"
    values: dict[str, Any] = {
        "match": match,
        "without": without,
        "batch": batch,
        "rating": query.rating,
        "before": _NO_LIMIT if before is None else before,
        "limit": limit + 1,
    }
    rows = connection.execute(statement, values).fetchall()
    takes = labels.listed(connection, rows[:limit])
    return Takes(takes=takes, before=takes[-1].take.id if len(rows) > limit else None)


def _texts_of(row: Row) -> Row:
    take, blob, theme, set_id, title, card, mixes, said = row
    spec = drawing_of(blob)
    loras = " ".join((*(lora.name for lora in spec.mix), mixes))
    return (take, spec.prompt, theme, f"{set_id} {title}", card, loras, said)
