"""Work comes in: batches, slots and jobs are accepted, once for each idempotency key.

Each function runs in the transaction of its caller: all of it is committed, or nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from imagineerd.errors import Conflict
from imagineerd.jobs import (
    BACKGROUND,
    BY_HAND,
    LABELS_PRIORITY,
    LANES,
    MAX_SEED,
    GenerateSpec,
    JobSpec,
    LabelSpec,
    group_key,
    picture_key,
)
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.protocol import Axis, BatchAdded, Body, Dealt, JobsAdded, Take
from imagineerd.store import admission, order, outbox, pages, steering
from imagineerd.store.rows import Row, drawing_of, next_id, spec_blob

_EARLIER = "SELECT digest, reply FROM idem WHERE uid = ? AND key = ?"
_REMEMBER = "INSERT INTO idem (uid, key, digest, reply, at) VALUES (?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM idem WHERE at < ?"
_ID_TAKEN = "SELECT 1 FROM batch WHERE id = ?"
_NEWEST_ID = "SELECT id FROM batch ORDER BY number DESC LIMIT 1"
_ADD_BATCH = """
    INSERT INTO batch
        (id, set_id, title, theme, settings, folder, uid, created_at, slots, mixes, grid, label_prompt, audition)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_SLOT = "INSERT INTO slot (batch, idx, name, spec) VALUES (?, ?, ?, ?)"
_ADD_JOB = """
    INSERT INTO job (id, batch, slot, lane, kind, group_key, spec, picture, client, priority, turn, rank, submitted_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_MISSING = f"""
    SELECT idx, spec, (SELECT count(*) FROM take WHERE take.batch = :batch AND take.slot = slot.idx) FROM slot
    WHERE batch = :batch
      AND NOT EXISTS (SELECT 1 FROM take WHERE take.batch = :batch AND take.slot = slot.idx AND take.place = 'kept')
      AND idx NOT IN (SELECT slot FROM job WHERE batch = :batch AND state IN ('queued', 'running'))
      AND idx NOT IN (SELECT slot FROM job WHERE batch = :batch AND state = 'held' AND error_code = '{BY_HAND.code}')
    ORDER BY idx
"""  # noqa: S608  put together from constants only

_LABEL_PROMPT = "SELECT label_prompt FROM batch WHERE id = ?"
_CARD = "SELECT name FROM slot WHERE batch = ? AND idx = ?"

_encode = msgspec.msgpack.Encoder().encode
_decode_dealt = msgspec.msgpack.Decoder(Dealt).decode
_decode_prompt = msgspec.msgpack.Decoder(LabelPrompt).decode


NewSlot: TypeAlias = tuple[int, str, GenerateSpec]
"""A card to be: index, name, and the spec that a re-roll starts from."""
NewJob: TypeAlias = tuple[int, JobSpec]
"""A job to be: the index of its slot, and what to draw."""
Idem: TypeAlias = tuple[str, str, bytes]
"""Who asks, the idempotency key, and the SHA-256 of the request."""


class Terms(msgspec.Struct, frozen=True):
    """How new jobs are taken in: whose turns they take, at which priority, and whether they are held at once."""

    client: str = ""
    priority: int = BACKGROUND
    hold: bool = False


AS_THEY_COME = Terms()


class NewBatch(msgspec.Struct, frozen=True):
    """A batch to be. `id` is a wish; the batch gets the folder `output_dir`/its final id.

    `settings` is the MessagePack of what the client chose, kept as it came; `mixes` are names of saved mixes, `grid`
    the axes of a grid. With a `label_prompt` every take of the batch is labelled as soon as it is there. An
    `audition` is in no list of batches.
    """

    id: str
    set_id: str
    title: str
    theme: str
    settings: bytes
    output_dir: str
    slots: tuple[NewSlot, ...]
    jobs: tuple[NewJob, ...]
    terms: Terms = AS_THEY_COME
    mixes: tuple[str, ...] = ()
    grid: tuple[Axis, ...] = ()
    label_prompt: LabelPrompt | None = None
    audition: bool = False


def submit_batch(connection: sqlite3.Connection, new: NewBatch, idem: Idem | None, limit: int, at: float) -> Dealt:
    """Add a batch with its slots and jobs; `limit` is how many jobs may be queued.

    Raises `Conflict` where the key was used for another request, `Full` where the jobs do not fit.
    """
    if (dealt := earlier(connection, idem)) is not None:
        return dealt
    admission.check_room(connection, new.terms.client, len(new.jobs), limit)
    id_ = free_id(connection, new.id, Path(new.output_dir))
    _add_batch(connection, new, id_, idem[0] if idem else "", at)
    turn = order.turn_for(connection, new.terms.client, new.terms.priority)
    jobs = queue_jobs(connection, id_, new.jobs, new.terms, turn, at)
    batch = pages.batch(connection, id_)
    outbox.append(connection, BatchAdded(batch=batch, jobs=jobs, priority=new.terms.priority, turn=turn), at)
    _hold(connection, jobs, new.terms, at)
    return _remember(connection, idem, Dealt(batch=batch, jobs=jobs), at)


def add_jobs(  # noqa: PLR0913, PLR0917  two more than submit_batch
    connection: sqlite3.Connection,
    batch: str,
    jobs: Sequence[NewJob],
    idem: Idem | None,
    limit: int,
    at: float,
    *,
    terms: Terms = AS_THEY_COME,
) -> Dealt:
    """Add jobs to slots of a batch.

    Raises `NotFound` where there is no such batch or slot, `Conflict` and `Full` as `submit_batch`.
    """
    if (dealt := earlier(connection, idem)) is not None:
        return dealt
    id_ = pages.find_batch(connection, batch)
    admission.check_room(connection, terms.client, len(jobs), limit)
    slots = tuple(slot for slot, _ in jobs)
    pages.slot_specs(connection, id_, slots)
    turn = order.turn_for(connection, terms.client, terms.priority)
    ids = queue_jobs(connection, id_, jobs, terms, turn, at)
    if ids:
        added = JobsAdded(batch=id_, jobs=ids, slots=slots, priority=terms.priority, turn=turn)
        outbox.append(connection, added, at)
        _hold(connection, ids, terms, at)
    return _remember(connection, idem, Dealt(batch=pages.batch(connection, id_), jobs=ids), at)


def complete(  # noqa: PLR0913  as add_jobs
    connection: sqlite3.Connection,
    batch: str,
    idem: Idem | None,
    limit: int,
    at: float,
    *,
    terms: Terms = AS_THEY_COME,
) -> Dealt:
    """Add a job with the slot's own spec for every slot that keeps no take and has no job that is open or held by hand.

    Where takes were deleted, the seed is a later one: the same again is not wanted. Raises as `add_jobs`.
    """
    if (dealt := earlier(connection, idem)) is not None:
        return dealt
    missing = connection.execute(_MISSING, {"batch": pages.find_batch(connection, batch)})
    jobs = [(index, _later(drawing_of(blob), deleted)) for index, blob, deleted in missing]
    return add_jobs(connection, batch, jobs, idem, limit, at, terms=terms)


def _later(spec: GenerateSpec, places: int) -> GenerateSpec:
    return msgspec.structs.replace(spec, seed=(spec.seed + places) % (MAX_SEED + 1))


def label_take(connection: sqlite3.Connection, take: Take, at: float) -> None:
    """Queue a label job for a new take, where its batch was dealt to be labelled."""
    blob = connection.execute(_LABEL_PROMPT, (take.batch,)).fetchone()[0]
    if blob is not None:
        spec = label_spec(connection, take, _decode_prompt(blob))
        queue_labels(connection, take.batch, [(take.slot, spec)], "", at)


def queue_labels(
    connection: sqlite3.Connection, batch: str, jobs: Sequence[NewJob], client: str, at: float
) -> tuple[int, ...]:
    """Add label jobs to a batch that exists and tell of them; return their ids. The caller has made room."""
    turn = order.turn_for(connection, client, LABELS_PRIORITY)
    ids = queue_jobs(connection, batch, jobs, Terms(client, LABELS_PRIORITY), turn, at)
    slots = tuple(slot for slot, _ in jobs)
    added = JobsAdded(batch=batch, jobs=ids, slots=slots, priority=LABELS_PRIORITY, turn=turn, kind="label")
    outbox.append(connection, added, at)
    return ids


def label_spec(connection: sqlite3.Connection, take: Take, prompt: LabelPrompt) -> LabelSpec:
    """Return what is to be done to label a take."""
    name = connection.execute(_CARD, (take.batch, take.slot)).fetchone()[0]
    return LabelSpec(take.id, prompt.name, prompt.version, prompt.text, name)


def earlier(connection: sqlite3.Connection, idem: Idem | None) -> Dealt | None:
    """Return the answer that this request was given before, marked as repeated. Raises as `earlier_reply`."""
    reply = earlier_reply(connection, idem)
    return None if reply is None else msgspec.structs.replace(_decode_dealt(reply), repeated=True)


def earlier_reply(connection: sqlite3.Connection, idem: Idem | None) -> bytes | None:
    """Return the answer that this request was given before, as `remember_reply` kept it.

    Raises `Conflict` where the key was used for another request.
    """
    if idem is None:
        return None
    uid, key, digest = idem
    row = connection.execute(_EARLIER, (uid, key)).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        message = f'The idempotency key "{key}" was used for another request. Take a new key.'
        raise Conflict(message, field="$.idem")
    return bytes(row[1])


def remember_reply(connection: sqlite3.Connection, idem: Idem | None, reply: Body, at: float) -> None:
    """Keep the answer to a request for the next time that it comes."""
    if idem is not None:
        connection.execute(_REMEMBER, (*idem, _encode(reply), at))


def prune_idem(connection: sqlite3.Connection, before: float) -> int:
    """Forget the idempotency keys used before that time; return how many went."""
    return connection.execute(_FORGET, (before,)).rowcount


def free_id(connection: sqlite3.Connection, base: str, root: Path) -> str:
    """Return `base`, or the first of `base_2`, `base_3`, … that is free.

    It names no batch, and nothing in `root`: pictures of a lost database are never written over.
    """
    number, id_ = _last_number(connection, base), base
    if number > 1:
        id_ = f"{base}_{number}"
    while connection.execute(_ID_TAKEN, (id_,)).fetchone() or (root / id_).exists():
        number += 1
        id_ = f"{base}_{number}"
    return id_


def _last_number(connection: sqlite3.Connection, base: str) -> int:
    """Return the number of the newest batch if it is of this series, so that a flood of them is not counted through."""
    row = connection.execute(_NEWEST_ID).fetchone()
    tail = row[0].removeprefix(f"{base}_") if row else ""
    return int(tail) if tail.isdecimal() else 1


def _add_batch(connection: sqlite3.Connection, new: NewBatch, id_: str, uid: str, at: float) -> None:
    folder = str(Path(new.output_dir) / id_)
    about = (id_, new.set_id, new.title, new.theme, new.settings, folder, uid)
    prompt = None if new.label_prompt is None else _encode(new.label_prompt)
    made_of = (" ".join(new.mixes), _encode(new.grid), prompt, new.audition)
    connection.execute(_ADD_BATCH, (*about, at, len(new.slots), *made_of))
    slots = ((id_, index, name, spec_blob(spec)) for index, name, spec in new.slots)
    connection.executemany(_ADD_SLOT, slots)


def queue_jobs(  # noqa: PLR0913, PLR0917  what is known of new jobs
    connection: sqlite3.Connection, batch: str, jobs: Sequence[NewJob], terms: Terms, turn: int, at: float
) -> tuple[int, ...]:
    """Add rows of jobs to a batch that exists; return their ids. The caller has made room and tells of them."""
    first = next_id(connection, "job")
    ids = range(first, first + len(jobs))
    rows = ((id_, batch, slot, *_described(spec)) for id_, (slot, spec) in zip(ids, jobs, strict=True))
    places = ((terms.client, terms.priority, turn + place, float(id_)) for place, id_ in enumerate(ids))
    connection.executemany(_ADD_JOB, ((*row, *place, at) for row, place in zip(rows, places, strict=True)))
    return tuple(ids)


def _hold(connection: sqlite3.Connection, jobs: Sequence[int], terms: Terms, at: float) -> None:
    if terms.hold and jobs:
        steering.hold(connection, jobs, None, at)


def _described(spec: JobSpec) -> Row:
    kind = str(type(spec).__struct_config__.tag)
    picture = picture_key(spec) if isinstance(spec, GenerateSpec) else ""
    return (LANES[type(spec)], kind, group_key(spec), spec_blob(spec), picture)


def _remember(connection: sqlite3.Connection, idem: Idem | None, dealt: Dealt, at: float) -> Dealt:
    remember_reply(connection, idem, dealt, at)
    return dealt
