"""What is said of takes, written: by labelers, and by hand.

A `labeling` is one saying: who (a labeler's job or a person), when, in answer to which prompt, and word for word. Its
captions, tags and rating are the rows of `label`; each names as `origin` the labeling that said it first, so that a
caption which a person left alone keeps its machine. Nothing is changed or deleted: an edit is a new labeling, and
`current` marks the one that counts. With it changes what the sidecar is to say, which is due until it has been written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import cast

import msgspec

from imagineerd.errors import Invalid, NotFound
from imagineerd.labels.answers import Answer, clean_tags, one_line
from imagineerd.protocol import EditLabel, Label, LabelChanged
from imagineerd.store import outbox, pages, search
from imagineerd.store.labels import label_of

_ORIGINS = "SELECT type, text, origin FROM label WHERE labeling = ?"
_ADD = """
    INSERT INTO labeling (take, job, person, model, prompt, prompt_version, answer, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_PART = "INSERT INTO label (labeling, type, position, text, origin) VALUES (?, ?, ?, ?, ?)"
_FORGET_CURRENT = "UPDATE labeling SET current = 0 WHERE take = ? AND current = 1"
_MAKE_CURRENT = "UPDATE labeling SET current = 1 WHERE id = ?"
_SIDECAR_DUE = "INSERT OR IGNORE INTO sidecar_due (take) VALUES (?)"
_ALL_DUE = "SELECT sidecar_due.take FROM sidecar_due JOIN take ON take.id = sidecar_due.take WHERE take.place <> 'gone'"
_SIDECAR_DONE = """
    DELETE FROM sidecar_due
    WHERE take = ?1 AND ?2 IS (SELECT id FROM labeling WHERE labeling.take = ?1 AND current = 1)
"""
_OF_TAKE = "SELECT count(*) FROM label WHERE labeling = (SELECT id FROM labeling WHERE id = ? AND take = ?)"


class Saying(msgspec.Struct, frozen=True):
    """Where a label comes from: a labeler's job, or a person; both where a person changed what a labeler said."""

    model: str = ""
    prompt: str = ""
    prompt_version: str = ""
    person: str = ""
    job: int | None = None
    answer: str = ""


def say(connection: sqlite3.Connection, take: int, answer: Answer | None, saying: Saying, at: float) -> int:
    """Keep what was said of a take, which counts from now on unless it was not understood; return its id."""
    pages.take(connection, take)
    parts = [] if answer is None else list(_parts(answer))
    before = _origins(connection, take) if saying.person else {}
    values = (take, saying.job, saying.person, saying.model, saying.prompt, saying.prompt_version, saying.answer, at)
    id_ = cast("int", connection.execute(_ADD, values).lastrowid)
    rows = ((id_, type_, position, text, before.get((type_, text), id_)) for type_, position, text in parts)
    connection.executemany(_ADD_PART, rows)
    if parts:
        _choose(connection, take, id_, at)
    return id_


def edit(connection: sqlite3.Connection, wanted: EditLabel, person: str, at: float) -> Label | None:
    """Change the label of a take by hand and return it.

    Raises `NotFound`, `WrongState` for one in the trash, `Invalid` where nothing would be left.
    """
    pages.kept_take(connection, wanted.take)
    old = label_of(connection, wanted.take)
    before = old or Label(id=0)
    answer = Answer(
        caption=before.caption if wanted.caption is None else one_line(wanted.caption),
        rating=before.rating if wanted.rating is None else wanted.rating,
        tags=before.tags if wanted.tags is None else clean_tags(wanted.tags),
    )
    if answer == Answer():
        raise Invalid(message="A label needs a caption, a tag or a rating.", field="$.caption")
    if answer != Answer(before.caption, before.rating, before.tags):
        saying = Saying(before.model, before.prompt, before.prompt_version, person, before.job)
        say(connection, wanted.take, answer, saying, at)
    return label_of(connection, wanted.take)


def restore(connection: sqlite3.Connection, take: int, labeling: int | None, at: float) -> Label | None:
    """Let an earlier label of a take count again, or none; return it.

    Raises `NotFound`, `WrongState` for a take in the trash.
    """
    pages.kept_take(connection, take)
    if labeling is not None and not connection.execute(_OF_TAKE, (labeling, take)).fetchone()[0]:
        raise NotFound(f"Take {take} never had a label {labeling}.", field="$.label")
    _choose(connection, take, labeling, at)
    return label_of(connection, take)


def sidecars_due(connection: sqlite3.Connection) -> tuple[int, ...]:
    """Return the takes whose sidecar does not tell yet what their label is."""
    return tuple(take for (take,) in connection.execute(_ALL_DUE))


def sidecar_done(connection: sqlite3.Connection, take: int, labeling: int | None) -> None:
    """The sidecar of a take tells this label, or that there is none; nothing is done where that is so no more."""
    connection.execute(_SIDECAR_DONE, (take, labeling))


def _choose(connection: sqlite3.Connection, take: int, labeling: int | None, at: float) -> None:
    connection.execute(_FORGET_CURRENT, (take,))
    if labeling is not None:
        connection.execute(_MAKE_CURRENT, (labeling,))
    connection.execute(_SIDECAR_DUE, (take,))
    search.renew(connection, take)
    found = pages.take(connection, take)
    outbox.append(connection, LabelChanged(batch=found.batch, slot=found.slot, take=take, label=found.label), at)


def _parts(answer: Answer) -> Iterable[tuple[str, int, str]]:
    single = (("caption", answer.caption), ("rating", answer.rating))
    yield from ((type_, 0, text) for type_, text in single if text)
    yield from (("tag", position, tag) for position, tag in enumerate(answer.tags))


def _origins(connection: sqlite3.Connection, take: int) -> dict[tuple[str, str], int]:
    """Return who first said each part of the label that a take has now."""
    now = label_of(connection, take)
    rows = () if now is None else connection.execute(_ORIGINS, (now.id,))
    return {(type_, text): origin for type_, text, origin in rows}
