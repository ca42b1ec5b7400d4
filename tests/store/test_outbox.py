"""Event rows: what is stored of each kind, and replay."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from imagineerd import protocol
from imagineerd.jobs import JobError, State
from imagineerd.protocol import (
    Batch,
    BatchAdded,
    BatchesForgotten,
    EventBody,
    JobMoved,
    JobsAdded,
    JobsPlaced,
    Label,
    LabelChanged,
    LabelerBuilt,
    LorasChanged,
    MixesChanged,
    PauseChanged,
    PickChanged,
    Place,
    Take,
    TakeAdded,
    TakeChanged,
    TakeDeleted,
    TakeRestored,
    TrashEmptied,
)
from imagineerd.store import outbox, schema

GOLDEN = Path(__file__).parents[1] / "data" / "event_rows.json"
TAKE = Take(
    id=3, batch="tarot", slot=1, job=7, file="01_fool.png", seed=42, width=64, height=96, bytes=1234, sha256="ab",
    color="#102030", created_at=5.0, duration=0.5,
)  # fmt: skip
BODIES: dict[str, EventBody] = {
    "batch_added": BatchAdded(
        batch=Batch(
            id="tarot", set="tarot_deck", title="Tarot", theme="at sea", folder="/p/tarot", created_at=1.0, slots=2,
            states={"queued": 2},
        ),
        jobs=(7, 8),
    ),
    "jobs_added": JobsAdded(batch="tarot", jobs=(9,), slots=(1,)),
    "job_moved": JobMoved(
        job=7, batch="tarot", slot=1, state=State.HELD, attempts=2, error=JobError("E_WORKER_LOST", "It died.")
    ),
    "jobs_placed": JobsPlaced(places=(Place(job=7, priority=10, turn=3, rank=6.5),)),
    "pause_changed": PauseChanged(paused=True),
    "take_added": TakeAdded(take=TAKE, pick=True),
    "pick_changed": PickChanged(batch="tarot", slot=1, take=3),
    "mixes_changed": MixesChanged(names=("card-gothic",)),
    "label_changed": LabelChanged(
        batch="tarot", slot=1, take=3,
        label=Label(id=5, caption="A fool.", rating="ADULT", tags=("fool",), is_nsfw=True, model="m", job=9, at=6.0),
    ),
    "labeler_built": LabelerBuilt(image="labeler:1", error=JobError("E_LABEL", "No space.")),
    "loras_changed": LorasChanged(added=("Ink",), removed=("Old",)),
    "take_changed": TakeChanged(take=msgspec.structs.replace(TAKE, favourite=True, rating="ADULT", is_nsfw=True)),
    "take_deleted": TakeDeleted(take=3, batch="tarot", slot=1, pick=2),
    "take_restored": TakeRestored(take=TAKE, pick=3),
    "trash_emptied": TrashEmptied(takes=(3, 4)),
    "batches_forgotten": BatchesForgotten(batches=("tarot", "zodiac")),
}  # fmt: skip


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


def say(connection: sqlite3.Connection, count: int) -> None:
    for number in range(count):
        outbox.append(connection, PickChanged(batch="tarot", slot=1, take=number), 1.0)


def seqs(events: tuple[outbox.StoredEvent, ...] | None) -> list[int] | None:
    return None if events is None else [event.seq for event in events]


def test_there_is_a_golden_row_of_every_kind() -> None:
    assert set(BODIES) == set(protocol.EVENTS) == set(json.loads(GOLDEN.read_text()))


@pytest.mark.parametrize("kind", protocol.EVENTS)
def test_the_row_of_each_kind_is_as_it_always_was(connection: sqlite3.Connection, kind: str) -> None:
    outbox.append(connection, BODIES[kind], 12.5)

    (event,) = outbox.after(connection, 0)

    assert (event.seq, event.kind, event.at) == (1, kind, 12.5)
    assert msgspec.msgpack.decode(event.body) == json.loads(GOLDEN.read_text())[kind]


@pytest.mark.parametrize("kind", protocol.EVENTS)
def test_a_golden_row_of_each_kind_is_read_for_ever(kind: str) -> None:
    row = msgspec.msgpack.encode(json.loads(GOLDEN.read_text())[kind])

    assert msgspec.msgpack.decode(row, type=protocol.EVENTS[kind]) == BODIES[kind]


def test_numbers_start_at_one_and_count_up(connection: sqlite3.Connection) -> None:
    assert outbox.newest(connection) == 0

    say(connection, 3)

    assert seqs(outbox.after(connection, 0)) == [1, 2, 3]
    assert outbox.newest(connection) == 3


def test_a_number_that_was_rolled_back_is_given_again(connection: sqlite3.Connection) -> None:
    say(connection, 1)
    connection.execute("SAVEPOINT s")
    say(connection, 5)
    connection.execute("ROLLBACK TO s")
    say(connection, 1)

    assert seqs(outbox.after(connection, 0)) == [1, 2]


def test_replay_gives_every_event_after_the_mark(connection: sqlite3.Connection) -> None:
    say(connection, 5)

    assert seqs(outbox.since(connection, 2, 100)) == [3, 4, 5]


def test_who_has_seen_all_is_told_nothing(connection: sqlite3.Connection) -> None:
    say(connection, 5)

    assert outbox.since(connection, 5, 100) == ()


def test_a_mark_from_the_future_is_not_known(connection: sqlite3.Connection) -> None:
    say(connection, 5)

    assert outbox.since(connection, 6, 100) is None


def test_more_than_the_limit_is_not_replayed(connection: sqlite3.Connection) -> None:
    say(connection, 5)

    assert seqs(outbox.since(connection, 2, 3)) == [3, 4, 5]
    assert outbox.since(connection, 1, 3) is None


def test_the_newest_events_are_kept(connection: sqlite3.Connection) -> None:
    say(connection, 5)

    assert outbox.prune(connection, 2) == 3
    assert seqs(outbox.after(connection, 0)) == [4, 5]
    assert outbox.prune(connection, 2) == 0


def test_what_was_pruned_is_not_replayed(connection: sqlite3.Connection) -> None:
    say(connection, 5)
    outbox.prune(connection, 2)

    assert outbox.since(connection, 2, 100) is None
    assert seqs(outbox.since(connection, 3, 100)) == [4, 5]


def test_numbers_go_on_after_all_were_pruned(connection: sqlite3.Connection) -> None:
    say(connection, 5)
    outbox.prune(connection, 0)
    say(connection, 1)

    assert seqs(outbox.after(connection, 0)) == [6]
