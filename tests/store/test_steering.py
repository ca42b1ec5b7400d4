"""A person steers: held, released, tried again, put elsewhere; every change is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import decks
import msgspec
import pytest

from imagineerd.errors import Invalid, NotFound, WrongState
from imagineerd.jobs import BY_HAND, MAX_ATTEMPTS, Job, State
from imagineerd.protocol import Held, JobMoved, JobsPlaced, Place, Placed, Retried
from imagineerd.store import moves, pages, schema, steering


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def jobs(connection: sqlite3.Connection, tmp_path: Path) -> tuple[int, ...]:
    return decks.dealt(connection, tmp_path, cards=3)


def run(connection: sqlite3.Connection, job: int) -> None:
    moves.claim(connection, [job], 2.0)


def fail(connection: sqlite3.Connection, job: int) -> None:
    run(connection, job)
    moves.fail(connection, job, 1, "E_OOM", "Too large.", 3.0)


def poison(connection: sqlite3.Connection, job: int) -> None:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        run(connection, job)
        moves.give_back(connection, job, attempt, "It died.", 3.0, counts=True)


def hold(connection: sqlite3.Connection, job: int) -> None:
    steering.hold(connection, [job], None, 2.0)


def cancel(connection: sqlite3.Connection, job: int) -> None:
    moves.cancel(connection, [job], None, 2.0)


ENDS: dict[str, Callable[[sqlite3.Connection, int], object]] = {
    "failed": fail,
    "cancelled": cancel,
    "poison": poison,
    "held": hold,
}


def state(connection: sqlite3.Connection, job: int) -> State:
    return pages.job(connection, job).state


def waiting(connection: sqlite3.Connection) -> list[int]:
    return [entry.job for entry in pages.waiting(connection)]


# ---------------------------------------------------------------- hold and release


def test_a_held_job_waits_no_more_and_says_why(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    assert steering.hold(connection, jobs[:1], None, 2.0) == Held(jobs=jobs[:1])

    assert waiting(connection) == list(jobs[1:])
    assert pages.job(connection, jobs[0]).error == BY_HAND
    assert decks.told(connection)[-1] == JobMoved(job=jobs[0], batch="tarot", slot=1, state=State.HELD, error=BY_HAND)


def test_hold_of_a_batch_takes_what_waits(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])

    assert steering.hold(connection, [], "last", 2.0) == Held(jobs=jobs[1:])
    assert state(connection, jobs[0]) is State.RUNNING


def test_hold_twice_is_the_same_as_once(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    steering.hold(connection, jobs, None, 2.0)
    before = decks.told(connection)

    assert steering.hold(connection, jobs, None, 3.0) == Held(jobs=jobs)
    assert decks.told(connection) == before


def test_what_runs_cannot_be_held(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])

    with pytest.raises(WrongState, match=r"Job 1 is running\. Only jobs that wait can be held\."):
        steering.hold(connection, jobs[:1], None, 2.0)


def test_a_released_job_waits_again_as_if_new(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    poison(connection, jobs[0])

    assert steering.release(connection, jobs[:1], None, 4.0) == Retried(jobs=jobs[:1])
    job = pages.job(connection, jobs[0])
    assert (job.state, job.attempts, job.error) == (State.QUEUED, 0, None)


def test_release_of_a_batch_takes_what_is_held_and_nothing_else(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    hold(connection, jobs[0])
    fail(connection, jobs[1])

    assert steering.release(connection, [], "tarot", 4.0) == Retried(jobs=jobs[:1])
    assert state(connection, jobs[1]) is State.FAILED


def test_release_of_what_is_not_held_is_told(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    with pytest.raises(WrongState, match=r"Job 1 is queued\. Only held jobs can be released\."):
        steering.release(connection, jobs[:1], None, 2.0)
    with pytest.raises(NotFound, match="There is no job 99"):
        steering.release(connection, [99], None, 2.0)


# ---------------------------------------------------------------- retry


@pytest.mark.parametrize("end", ENDS)
def test_retry_queues_a_job_as_if_new(connection: sqlite3.Connection, jobs: tuple[int, ...], end: str) -> None:
    fresh = pages.job(connection, jobs[0])
    ENDS[end](connection, jobs[0])

    assert steering.retry(connection, jobs[:1], None, 9.0) == Retried(jobs=jobs[:1])
    assert pages.job(connection, jobs[0]) == msgspec.structs.replace(fresh, turn=3)


def test_what_is_tried_again_stands_behind_what_its_client_has_waiting(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    fail(connection, jobs[0])
    steering.retry(connection, jobs[:1], None, 9.0)

    assert waiting(connection) == [*jobs[1:], jobs[0]]
    place = Place(job=jobs[0], turn=3, rank=float(jobs[0]))
    assert decks.told(connection)[-1] == JobsPlaced(places=(place,))


def test_retry_forgets_that_a_stop_was_asked_for(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])
    cancel(connection, jobs[0])
    moves.stop(connection, jobs[0], 1, 4.0)

    steering.retry(connection, jobs[:1], None, 5.0)

    job: Job = pages.job(connection, jobs[0])
    assert (job.state, job.attempts, job.cancel_requested) == (State.QUEUED, 0, False)


def test_retry_of_a_batch_takes_what_failed_and_whose_worker_died(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    failed, poisoned, cancelled, held = decks.dealt(connection, tmp_path, cards=4)
    fail(connection, failed)
    poison(connection, poisoned)
    cancel(connection, cancelled)
    hold(connection, held)

    assert set(steering.retry(connection, [], "tarot", 5.0).jobs) == {failed, poisoned}
    assert (state(connection, cancelled), state(connection, held)) == (State.CANCELLED, State.HELD)


def test_retry_of_all_that_failed_takes_every_batch(
    connection: sqlite3.Connection, jobs: tuple[int, ...], tmp_path: Path
) -> None:
    other = decks.dealt(connection, tmp_path, "zodiac")
    fail(connection, jobs[0])
    poison(connection, other[0])
    hold(connection, other[1])

    assert set(steering.retry(connection, [], None, 5.0, failed=True).jobs) == {jobs[0], other[0]}
    assert steering.retry(connection, [], None, 6.0, failed=True) == Retried()


def test_retry_skips_what_cannot_be_retried(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    fail(connection, jobs[0])

    assert steering.retry(connection, jobs, None, 5.0) == Retried(jobs=jobs[:1])


def test_retry_of_a_job_that_is_done_is_told(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    decks.drawn(connection, jobs[0])

    with pytest.raises(WrongState, match=r"Job 1 is done\. Only failed, cancelled and held jobs"):
        steering.retry(connection, jobs[:1], None, 5.0)


# ---------------------------------------------------------------- elsewhere in the queue


def test_jobs_are_moved_in_the_order_in_which_they_are_named(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    a, b, c = jobs

    assert steering.place(connection, [c, b], None, "top", None, 2.0) == Placed(jobs=(c, b))
    assert waiting(connection) == [c, b, a]
    assert isinstance(told := decks.told(connection)[-1], JobsPlaced)
    assert [place.job for place in told.places] == [c, b]


def test_a_batch_is_moved_in_the_order_of_the_queue(
    connection: sqlite3.Connection, jobs: tuple[int, ...], tmp_path: Path
) -> None:
    zodiac = decks.dealt(connection, tmp_path, "zodiac")
    steering.place(connection, zodiac[2:], None, "top", None, 2.0)

    assert steering.place(connection, [], "zodiac", None, jobs[1], 3.0).jobs == (zodiac[2], zodiac[0], zodiac[1])
    assert waiting(connection) == [jobs[0], zodiac[2], zodiac[0], zodiac[1], *jobs[1:]]


def test_what_does_not_wait_stays_where_it_is(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])

    assert steering.place(connection, jobs, None, "bottom", None, 2.0).jobs == jobs[1:]
    with pytest.raises(WrongState, match=r"Job 1 is running\. Only jobs that wait have a place"):
        steering.place(connection, jobs[:1], None, "top", None, 2.0)


def test_a_batch_of_which_nothing_waits_is_not_moved(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    moves.claim(connection, jobs, 2.0)

    assert steering.place(connection, [], "tarot", "top", None, 2.0) == Placed()


def test_nothing_stands_before_itself_nor_before_what_does_not_wait(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    run(connection, jobs[0])

    with pytest.raises(WrongState, match="Job 1 does not wait: nothing can stand before it"):
        steering.place(connection, jobs[1:], None, None, jobs[0], 2.0)
    with pytest.raises(Invalid, match="Job 2 cannot stand before itself"):
        steering.place(connection, jobs[1:], None, None, jobs[1], 2.0)
    with pytest.raises(NotFound, match="There is no job 99"):
        steering.place(connection, jobs[1:], None, None, 99, 2.0)


def test_another_priority_is_another_line(
    connection: sqlite3.Connection, jobs: tuple[int, ...], tmp_path: Path
) -> None:
    decks.dealt(connection, tmp_path, "zodiac")

    assert steering.set_priority(connection, [], "zodiac", 3, 2.0).jobs == (4, 5, 6)
    assert waiting(connection) == [4, 5, 6, *jobs]
    assert pages.job(connection, 4).priority == 3


def test_who_has_the_priority_already_stays_where_he_is(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    before = decks.told(connection)

    assert steering.set_priority(connection, jobs, None, 0, 2.0) == Placed()
    assert (waiting(connection), decks.told(connection)) == (list(jobs), before)


def test_a_job_keeps_its_place_when_it_comes_back_from_a_worker(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    steering.place(connection, jobs[2:], None, "top", None, 2.0)
    moves.claim(connection, jobs[2:], 3.0)
    moves.give_back(connection, jobs[2], 1, "The queue was paused.", 4.0, counts=False)

    assert waiting(connection) == [jobs[2], *jobs[:2]]
