"""Reading: names, pages, the snapshot, and that no page walks the history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import msgspec
import pytest

from imagineerd.errors import Invalid, NotFound
from imagineerd.jobs import State
from imagineerd.scheduler import Waiting
from imagineerd.store import intake, moves, pages, schema
from imagineerd.store.pages import Unfinished


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


def deal(connection: sqlite3.Connection, root: Path, *names: str) -> None:
    for name in names:
        decks.dealt(connection, root, name, 1)


# ---------------------------------------------------------------- naming a batch


@pytest.mark.parametrize(
    ("name", "id_"),
    [("tarot_1", "tarot_1"), ("tarot_10", "tarot_10"), ("zod", "zodiac"), ("z", "zodiac"), ("last", "zodiac")],
)
def test_a_batch_is_named_by_its_id_its_beginning_or_last(
    connection: sqlite3.Connection, tmp_path: Path, name: str, id_: str
) -> None:
    deal(connection, tmp_path, "tarot_1", "tarot_10", "zodiac")

    assert pages.find_batch(connection, name) == id_


def test_an_unclear_beginning_lists_what_begins_so(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, "tarot_1", "tarot_10", "zodiac")

    with pytest.raises(Invalid, match=r'"taro" begins several batches: tarot_1, tarot_10\.'):
        pages.find_batch(connection, "taro")


def test_an_unclear_beginning_lists_five_at_most(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, *(f"tarot_{number}" for number in range(9)))

    with pytest.raises(Invalid, match="tarot_4, …"):
        pages.find_batch(connection, "tarot")


@pytest.mark.parametrize("name", ["zodaic", "", "%", "tarot_%", "zodiac'; DROP TABLE job"])
def test_an_unknown_batch_is_told(connection: sqlite3.Connection, tmp_path: Path, name: str) -> None:
    deal(connection, tmp_path, "tarot", "zodiac")

    with pytest.raises(NotFound, match="There is no batch"):
        pages.find_batch(connection, name)


def test_a_misspelt_batch_gets_a_hint(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, "tarot", "zodiac")

    with pytest.raises(NotFound, match='Did you mean "zodiac"'):
        pages.find_batch(connection, "zodaic")


def test_before_the_first_batch_there_is_no_last(connection: sqlite3.Connection) -> None:
    with pytest.raises(NotFound, match="There is no batch yet"):
        pages.find_batch(connection, "last")


# ---------------------------------------------------------------- pages


def test_batches_come_newest_first_page_by_page(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, "c", "a", "b")

    first = pages.list_batches(connection, 2, None)
    second = pages.list_batches(connection, 2, first.before)

    assert [batch.id for batch in first.batches] == ["b", "a"]
    assert [batch.id for batch in second.batches] == ["c"]
    assert (first.before, second.before) == ("a", None)


def test_auditions_are_listed_only_where_wanted(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, "a", "b")
    heard = msgspec.structs.replace(decks.deck("c", tmp_path, 1), audition=True)
    intake.submit_batch(connection, heard, None, decks.NO_LIMIT, 1.0)

    assert [batch.id for batch in pages.list_batches(connection, 10, None).batches] == ["b", "a"]
    assert [batch.id for batch in pages.snapshot(connection).batches] == ["b", "a"]
    assert pages.find_batch(connection, "last") == "b"
    everything = pages.list_batches(connection, 10, None, auditions=True).batches
    assert [(batch.id, batch.audition) for batch in everything] == [("c", True), ("b", False), ("a", False)]


def test_a_page_of_batches_walks_past_no_audition(connection: sqlite3.Connection) -> None:
    """Whoever moves faders for an evening makes thousands of them."""
    plan = connection.execute(f"EXPLAIN QUERY PLAN {pages._BATCH_PAGE}", (9, 9)).fetchall()

    assert "USING INDEX batch_audition (audition=? AND rowid<?)" in plan[0][-1]


def test_a_full_last_page_names_no_next(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, "a", "b")

    assert pages.list_batches(connection, 2, None).before is None


def test_a_batch_counts_its_slots_by_state_and_its_takes(connection: sqlite3.Connection, tmp_path: Path) -> None:
    jobs = decks.dealt(connection, tmp_path, cards=4)
    decks.drawn(connection, jobs[0])
    moves.claim(connection, [jobs[1]], 2.0)

    (batch,) = pages.list_batches(connection, 10, None).batches

    assert (batch.slots, batch.takes, batch.states) == (4, 1, {"done": 1, "running": 1, "queued": 2})


def test_a_batch_tells_how_long_its_takes_took_to_draw(connection: sqlite3.Connection, tmp_path: Path) -> None:
    first, again, found = decks.dealt(connection, tmp_path, cards=3)
    deleted = decks.drawn(connection, first, "1.png")
    decks.drawn(connection, again, "2.png")
    decks.drawn(connection, found, "3.png")
    connection.execute("UPDATE take SET place = 'trash', deleted_at = 3.0 WHERE id = ?", (deleted.id,))
    connection.execute("UPDATE take SET cached = 1 WHERE job = ?", (found,))

    (batch,) = pages.list_batches(connection, 10, None).batches

    assert batch.duration == 2 * deleted.duration


def test_a_slot_has_the_state_of_its_newest_job(connection: sqlite3.Connection, tmp_path: Path) -> None:
    (first,) = decks.dealt(connection, tmp_path, cards=1)
    (newest,) = intake.add_jobs(connection, "tarot", [(1, decks.spec(9))], None, 10, 2.0).jobs
    moves.claim(connection, [newest], 3.0)

    decks.drawn(connection, first)

    (slot,) = pages.get_batch(connection, "tarot").slots
    assert (slot.job, slot.state, len(slot.takes)) == (newest, State.RUNNING, 1)


def test_jobs_come_newest_first_page_by_page(connection: sqlite3.Connection, tmp_path: Path) -> None:
    decks.dealt(connection, tmp_path, cards=5)
    seen, before = [], None

    for _ in range(3):
        page = pages.list_jobs(connection, (), None, 2, before)
        seen.append([job.id for job in page.jobs])
        before = page.before

    assert seen == [[5, 4], [3, 2], [1]]
    assert before is None


def test_jobs_are_chosen_by_state_and_batch(connection: sqlite3.Connection, tmp_path: Path) -> None:
    tarot = decks.dealt(connection, tmp_path, "tarot")
    zodiac = decks.dealt(connection, tmp_path, "zodiac")
    moves.claim(connection, [tarot[0], zodiac[0]], 2.0)
    moves.cancel(connection, [tarot[1]], None, 2.0)

    def ids(states: tuple[State, ...], batch: str | None) -> tuple[int, ...]:
        return tuple(job.id for job in pages.list_jobs(connection, states, batch, 10, None).jobs)

    assert ids((State.RUNNING,), None) == (zodiac[0], tarot[0])
    assert ids((State.RUNNING, State.CANCELLED, State.RUNNING), "tar") == (tarot[1], tarot[0])
    assert ids((), "zodiac") == zodiac[::-1]
    assert ids((State.DONE,), None) == ()


def test_an_unknown_job_or_take_is_told(connection: sqlite3.Connection) -> None:
    with pytest.raises(NotFound, match="There is no job 5"):
        pages.job(connection, 5)
    with pytest.raises(NotFound, match="There is no take 5"):
        pages.get_take(connection, 5)


def test_a_take_is_found_with_its_folder(connection: sqlite3.Connection, tmp_path: Path) -> None:
    take = decks.drawn(connection, decks.dealt(connection, tmp_path)[0])

    assert pages.get_take(connection, take.id) == (take, tmp_path / "tarot")
    assert pages.folder(connection, "last") == tmp_path / "tarot"


def test_a_reroll_starts_from_the_spec_of_its_slot(connection: sqlite3.Connection, tmp_path: Path) -> None:
    decks.dealt(connection, tmp_path)

    assert pages.slot_specs(connection, "tarot", [3, 1]) == {3: decks.spec(3), 1: decks.spec(1)}
    with pytest.raises(NotFound, match='Batch "tarot" has no slot 4'):
        pages.slot_specs(connection, "tarot", [4])


# ---------------------------------------------------------------- the queue


def test_what_waits_comes_by_priority_then_age(connection: sqlite3.Connection, tmp_path: Path) -> None:
    low = decks.dealt(connection, tmp_path, "low", 2)
    high = intake.submit_batch(connection, decks.deck("high", tmp_path, 2, priority=5), None, 10, 1.0).jobs
    moves.claim(connection, [low[0]], 2.0)

    waiting = pages.waiting(connection)

    assert [(entry.job, entry.priority) for entry in waiting] == [(high[0], 5), (high[1], 5), (low[1], 0)]
    assert {type(entry) for entry in waiting} == {Waiting}
    assert pages.waiting(connection, [*low, high[0]]) == (waiting[2], waiting[0])


def test_what_waits_tells_how_often_its_worker_died(connection: sqlite3.Connection, tmp_path: Path) -> None:
    job, *_ = decks.dealt(connection, tmp_path)
    moves.claim(connection, [job], 2.0)
    moves.give_back(connection, job, 1, "It died.", 3.0, counts=True)

    assert [entry.attempts for entry in pages.waiting(connection)] == [1, 0, 0]
    assert [entry.attempts for entry in pages.waiting(connection, [job])] == [1]


def test_jobs_are_counted_by_state(connection: sqlite3.Connection, tmp_path: Path) -> None:
    jobs = decks.dealt(connection, tmp_path, cards=4)
    decks.drawn(connection, jobs[0])
    moves.claim(connection, [jobs[1]], 2.0)

    counts = {"queued": 2, "running": 1, "done": 1, "failed": 0, "cancelled": 0, "held": 0}
    assert pages.counts(connection) == counts


def test_a_snapshot_has_what_is_open_as_of_the_newest_event(connection: sqlite3.Connection, tmp_path: Path) -> None:
    done, queued, running = decks.dealt(connection, tmp_path)
    decks.drawn(connection, done)
    moves.claim(connection, [running], 2.0)

    seq, jobs, batches, paused = pages.snapshot(connection)

    assert seq == len(decks.told(connection))
    assert [(job.id, job.state) for job in jobs] == [(running, State.RUNNING), (queued, State.QUEUED)]
    assert [batch.id for batch in batches] == ["tarot"]
    assert not paused


def test_the_queue_shows_what_runs_and_then_what_waits_in_its_order_page_by_page(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    deck = decks.dealt(connection, tmp_path, cards=4)
    new = decks.deck("urgent", tmp_path, 2, priority=5, client="a")
    urgent = intake.submit_batch(connection, new, None, decks.NO_LIMIT, 2.0).jobs
    moves.claim(connection, deck[:1], 2.0)
    seen, after = [], None

    for _ in range(3):
        page = pages.queue(connection, 2, after)
        seen.append(tuple(job.id for job in page.jobs))
        after = page.after

    assert seen == [(deck[0], urgent[0]), (urgent[1], deck[1]), deck[2:]]
    assert (after, page.paused) == (None, False)


def test_the_next_page_of_the_queue_comes_although_the_last_job_of_this_one_was_started(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    jobs = decks.dealt(connection, tmp_path, cards=4)
    page = pages.queue(connection, 2, None)
    moves.claim(connection, jobs[:3], 2.0)

    assert tuple(job.id for job in pages.queue(connection, 2, page.after).jobs) == jobs[3:]
    with pytest.raises(NotFound, match="There is no job 99"):
        pages.queue(connection, 2, 99)


def test_a_snapshot_is_bounded_and_keeps_what_comes_next(connection: sqlite3.Connection, tmp_path: Path) -> None:
    decks.dealt(connection, tmp_path, "many", pages.SNAPSHOT_JOBS + 5)
    new = decks.deck("urgent", tmp_path, 1, priority=1)
    (urgent,) = intake.submit_batch(connection, new, None, decks.NO_LIMIT, 2.0).jobs

    jobs = pages.snapshot(connection).jobs

    assert (len(jobs), jobs[0].id) == (pages.SNAPSHOT_JOBS, urgent)


def test_a_batch_is_unfinished_while_a_job_may_still_be_drawn(connection: sqlite3.Connection, tmp_path: Path) -> None:
    ended = decks.dealt(connection, tmp_path, "ended", 1)
    moves.cancel(connection, ended, None, 2.0)
    take = decks.drawn(connection, decks.dealt(connection, tmp_path, "begun", 2)[0], "01.png")

    assert pages.unfinished(connection) == (Unfinished("begun", str(tmp_path / "begun"), {"01.png": take.id}),)


# ---------------------------------------------------------------- cost


LISTS = {
    name: query
    for name, query in vars(pages).items()
    if name.startswith("_") and isinstance(query, str) and "SELECT" in query and name not in {"_TALLY", "_UNFINISHED"}
}


@pytest.mark.parametrize("name", LISTS)
def test_no_query_walks_or_sorts_the_history(connection: sqlite3.Connection, name: str) -> None:
    values = ("1",) * LISTS[name].count("?")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {LISTS[name]}", values)]

    assert not [step for step in plan if "TEMP B-TREE" in step]
    assert not [step for step in plan if step in {"SCAN job", "SCAN take", "SCAN slot"}]
