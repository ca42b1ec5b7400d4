"""Work comes in: batches, slots, jobs, idempotency, limits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import decks
import pytest

from imagineerd.errors import Conflict, Full, NotFound
from imagineerd.jobs import State, group_key
from imagineerd.protocol import BatchAdded, Dealt, JobMoved, JobsAdded
from imagineerd.store import intake, moves, pages, schema


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


def submit(
    connection: sqlite3.Connection,
    root: Path,
    base: str = "tarot",
    idem: intake.Idem | None = None,
    limit: int = decks.NO_LIMIT,
    **terms: Any,
) -> Dealt:
    return intake.submit_batch(connection, decks.deck(base, root, **terms), idem, limit, 5.0)


# ---------------------------------------------------------------- a batch


def test_a_batch_is_accepted_with_its_slots_and_jobs(connection: sqlite3.Connection, tmp_path: Path) -> None:
    dealt = submit(connection, tmp_path)

    detail = pages.get_batch(connection, "tarot")
    assert dealt == Dealt(batch=detail.batch, jobs=(1, 2, 3))
    assert detail.batch.folder == str(tmp_path / "tarot")
    assert detail.batch.states == {"queued": 3}
    assert [(slot.index, slot.name, slot.state, slot.job) for slot in detail.slots] == [
        (1, "Card 1", State.QUEUED, 1),
        (2, "Card 2", State.QUEUED, 2),
        (3, "Card 3", State.QUEUED, 3),
    ]


def test_a_job_keeps_its_whole_spec(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, priority=7)

    job = pages.job(connection, 2)
    assert (job.spec, job.priority, job.submitted_at) == (decks.spec(2), 7, 5.0)
    (waiting,) = pages.waiting(connection, [2])
    assert (waiting.group, waiting.lane) == (group_key(decks.spec(2)), "gpu")


def test_a_batch_is_announced_with_its_jobs(connection: sqlite3.Connection, tmp_path: Path) -> None:
    dealt = submit(connection, tmp_path)

    assert decks.told(connection) == [BatchAdded(batch=dealt.batch, jobs=dealt.jobs)]


def test_a_batch_remembers_who_asked(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, idem=decks.key("k"))

    assert connection.execute("SELECT uid FROM batch").fetchall() == [("1000",)]


def test_a_name_that_is_taken_gets_a_number(connection: sqlite3.Connection, tmp_path: Path) -> None:
    names = [submit(connection, tmp_path).batch.id for _ in range(3)]

    assert names == ["tarot", "tarot_2", "tarot_3"]


def test_a_folder_on_disk_takes_a_name_too(connection: sqlite3.Connection, tmp_path: Path) -> None:
    (tmp_path / "tarot").mkdir()

    assert submit(connection, tmp_path).batch.id == "tarot_2"


def test_several_jobs_may_be_for_one_slot(connection: sqlite3.Connection, tmp_path: Path) -> None:
    one = decks.deck("single", tmp_path, 1)
    jobs = tuple((1, decks.spec(seed)) for seed in (5, 6))
    new = intake.NewBatch(one.id, "", "", "", b"", str(tmp_path), one.slots, jobs)

    intake.submit_batch(connection, new, None, 10, 1.0)

    (slot,) = pages.get_batch(connection, "single").slots
    assert slot.job == 2
    assert pages.get_batch(connection, "single").batch.states == {"queued": 1}


def test_a_batch_may_be_held_at_once(connection: sqlite3.Connection, tmp_path: Path) -> None:
    dealt = submit(connection, tmp_path, hold=True)

    assert pages.waiting(connection) == ()
    assert {job.state for job in pages.list_jobs(connection, (), "tarot", 10, None).jobs} == {State.HELD}
    told = decks.told(connection)
    assert told[0] == BatchAdded(batch=dealt.batch, jobs=dealt.jobs)
    assert [(body.job, body.state) for body in told[1:] if isinstance(body, JobMoved)] == [
        (job, State.HELD) for job in dealt.jobs
    ]


def test_clients_take_turns_whoever_came_first_and_however_much_it_asked_for(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    many = submit(connection, tmp_path, "many", client="a").jobs
    few = submit(connection, tmp_path, "few", client="b").jobs

    waiting = [entry.job for entry in pages.waiting(connection)]

    assert waiting == [many[0], few[0], many[1], few[1], many[2], few[2]]
    assert isinstance(added := decks.told(connection)[-1], BatchAdded)
    assert (added.turn, added.priority) == (0, 0)


def test_a_client_s_own_jobs_stand_in_the_order_in_which_they_came(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    first = submit(connection, tmp_path, "first", client="a").jobs
    moves.claim(connection, first[:2], 2.0)
    second = submit(connection, tmp_path, "second", client="a").jobs

    assert tuple(entry.job for entry in pages.waiting(connection)) == (first[2], *second)


def test_each_priority_has_turns_of_its_own(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deck = submit(connection, tmp_path, "deck", client="a").jobs
    urgent = submit(connection, tmp_path, "urgent", client="a", priority=5).jobs

    assert tuple(entry.job for entry in pages.waiting(connection)) == (*urgent, *deck)
    assert pages.job(connection, urgent[0]).turn == 0


# ---------------------------------------------------------------- the same request again


def test_the_same_request_again_gets_the_earlier_answer(connection: sqlite3.Connection, tmp_path: Path) -> None:
    first = submit(connection, tmp_path, idem=decks.key("k"))
    moves.cancel(connection, first.jobs, None, 6.0)

    again = submit(connection, tmp_path, idem=decks.key("k"))

    assert again == Dealt(batch=first.batch, jobs=first.jobs, repeated=True)
    assert pages.list_batches(connection, 10, None).batches[1:] == ()


def test_the_same_key_for_another_request_is_a_conflict(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, idem=decks.key("k"))

    with pytest.raises(Conflict, match='"k" was used for another request'):
        submit(connection, tmp_path, idem=decks.key("k", b"2" * 32))


def test_the_same_key_of_another_user_is_another_key(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, idem=("1000", "k", b"1"))

    assert not submit(connection, tmp_path, idem=("1001", "k", b"2")).repeated


def test_what_is_held_counts_too(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, limit=3, hold=True)

    with pytest.raises(Full):
        submit(connection, tmp_path, limit=3)


def test_a_repeated_request_is_answered_although_the_queue_is_full(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    submit(connection, tmp_path, idem=decks.key("k"))

    assert submit(connection, tmp_path, idem=decks.key("k"), limit=0).repeated


def test_old_keys_are_forgotten(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, idem=decks.key("k"))

    assert intake.prune_idem(connection, 5.0) == 0
    assert intake.prune_idem(connection, 5.1) == 1
    assert not submit(connection, tmp_path, idem=decks.key("k")).repeated


# ---------------------------------------------------------------- the limit


def test_the_queue_takes_as_many_jobs_as_its_limit(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, limit=6)
    submit(connection, tmp_path, limit=6)

    with pytest.raises(Full, match="holds 6 jobs and takes 6: 3 more do not fit"):
        submit(connection, tmp_path, limit=6)


def test_only_jobs_that_wait_count(connection: sqlite3.Connection, tmp_path: Path) -> None:
    jobs = submit(connection, tmp_path, limit=3).jobs
    moves.claim(connection, jobs[:2], 6.0)
    moves.cancel(connection, jobs[2:], None, 6.0)

    assert submit(connection, tmp_path, limit=3).jobs == (4, 5, 6)


# ---------------------------------------------------------------- more jobs for a batch


def test_a_slot_is_rolled_again(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path)

    dealt = intake.add_jobs(connection, "last", [(2, decks.spec(9))], None, 10, 6.0)

    assert dealt.jobs == (4,)
    assert decks.told(connection)[-1] == JobsAdded(batch="tarot", jobs=(4,), slots=(2,), turn=3)
    assert pages.get_batch(connection, "tarot").slots[1].job == 4


def test_a_repeated_reroll_gets_the_earlier_answer(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path)
    first = intake.add_jobs(connection, "tarot", [(2, decks.spec(9))], decks.key("k"), 10, 6.0)

    again = intake.add_jobs(connection, "tarot", [(2, decks.spec(10))], decks.key("k"), 10, 7.0)

    assert (again.jobs, again.repeated) == (first.jobs, True)


def test_a_slot_that_does_not_exist_is_told(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path)

    with pytest.raises(NotFound, match='Batch "tarot" has no slot 4'):
        intake.add_jobs(connection, "tarot", [(4, decks.spec())], None, 10, 6.0)


def test_a_reroll_may_be_too_much(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path)

    with pytest.raises(Full):
        intake.add_jobs(connection, "tarot", [(1, decks.spec())], None, 3, 6.0)


def test_complete_deals_what_has_neither_a_take_nor_an_open_job(connection: sqlite3.Connection, tmp_path: Path) -> None:
    done, failed, queued = submit(connection, tmp_path).jobs
    decks.drawn(connection, done)
    moves.claim(connection, [failed], 6.0)
    moves.fail(connection, failed, 1, "E_OOM", "Too large.", 7.0)

    dealt = intake.complete(connection, "tarot", None, 10, 8.0)

    assert dealt.jobs == (queued + 1,)
    job = pages.job(connection, queued + 1)
    assert (job.slot, job.spec) == (2, decks.spec(2))


def test_complete_leaves_what_a_person_holds(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path, hold=True)

    assert intake.complete(connection, "tarot", None, 10, 8.0).jobs == ()


def test_complete_does_nothing_where_nothing_is_missing(connection: sqlite3.Connection, tmp_path: Path) -> None:
    submit(connection, tmp_path)
    before = decks.told(connection)

    assert intake.complete(connection, "tarot", None, 10, 8.0).jobs == ()
    assert decks.told(connection) == before


def test_a_repeated_complete_gets_the_earlier_answer(connection: sqlite3.Connection, tmp_path: Path) -> None:
    jobs = submit(connection, tmp_path).jobs
    moves.cancel(connection, jobs, None, 6.0)
    first = intake.complete(connection, "tarot", decks.key("k"), 10, 7.0)

    again = intake.complete(connection, "tarot", decks.key("k"), 10, 8.0)

    assert (again.jobs, again.repeated) == (first.jobs, True)
