"""Jobs move: the table of moves holds in SQL, the fence holds, and every move leaves its event."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import NotFound
from imagineerd.jobs import MAX_ATTEMPTS, MAX_RECOVERIES, MAY_FOLLOW, JobError, State
from imagineerd.protocol import Cancelled, JobMoved, TakeAdded
from imagineerd.store import intake, moves, pages, schema

LOST = JobError("E_WORKER_LOST", "It died.")
BIG = JobError("E_OOM", "Too large.")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def jobs(connection: sqlite3.Connection, tmp_path: Path) -> tuple[int, ...]:
    return decks.dealt(connection, tmp_path, cards=3)


def die(connection: sqlite3.Connection, job: int) -> State | None:
    (claimed,) = moves.claim(connection, [job], 2.0)
    return moves.give_back(connection, job, claimed.attempts, "It died.", 3.0, counts=True)


def run(connection: sqlite3.Connection, job: int) -> None:
    moves.claim(connection, [job], 2.0)


def fail(connection: sqlite3.Connection, job: int) -> None:
    run(connection, job)
    moves.fail(connection, job, 1, "E_OOM", "Too large.", 3.0)


def hold(connection: sqlite3.Connection, job: int) -> None:
    for _ in range(MAX_ATTEMPTS):
        die(connection, job)


REACH: dict[State, Callable[[sqlite3.Connection, int], object]] = {
    State.QUEUED: lambda _connection, _job: None,
    State.RUNNING: run,
    State.DONE: decks.drawn,
    State.FAILED: fail,
    State.CANCELLED: lambda connection, job: moves.cancel(connection, [job], None, 2.0),
    State.HELD: hold,
}


def state(connection: sqlite3.Connection, job: int) -> State:
    return pages.job(connection, job).state


def news(connection: sqlite3.Connection, job: int) -> list[State]:
    """The states that the events told of a job, in order."""
    return [body.state for body in decks.told(connection) if isinstance(body, JobMoved) and body.job == job]


# ---------------------------------------------------------------- the table of moves


@pytest.mark.parametrize("source", State, ids=lambda state: state.value)
@pytest.mark.parametrize("target", State, ids=lambda state: state.value)
def test_sql_allows_exactly_the_moves_of_the_table(
    connection: sqlite3.Connection, jobs: tuple[int, ...], source: State, target: State
) -> None:
    job = jobs[0]
    REACH[source](connection, job)
    take = decks.drawn(connection, jobs[1]).id if target is State.DONE else None
    entry = moves.find(connection, job)
    before = pages.job(connection, job), decks.told(connection)

    moved = moves.move(connection, entry, target, 9.0, attempts=max(entry.attempts, 1), error=BIG, take=take)

    assert moved == (target in MAY_FOLLOW[source])
    if moved:
        assert (state(connection, job), news(connection, job)[-1]) == (target, target)
    else:
        assert (pages.job(connection, job), decks.told(connection)) == before


def test_a_move_with_an_old_fence_is_refused(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    entry = moves.find(connection, jobs[0])
    run(connection, jobs[0])

    assert not moves.move(connection, entry._replace(state=State.RUNNING), State.CANCELLED, 9.0)


# ---------------------------------------------------------------- claim


def test_a_claimed_job_runs_and_its_attempt_counts(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    claimed = moves.claim(connection, jobs[:2], 2.0)

    assert [(job.id, job.state, job.attempts, job.started_at) for job in claimed] == [
        (jobs[0], State.RUNNING, 1, 2.0),
        (jobs[1], State.RUNNING, 1, 2.0),
    ]
    assert claimed == pages.running(connection)
    assert decks.told(connection)[-2:] == [
        JobMoved(job=job, batch="tarot", slot=job, state=State.RUNNING, attempts=1) for job in jobs[:2]
    ]


def test_only_what_is_still_queued_is_claimed(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])
    moves.cancel(connection, [jobs[1]], None, 2.0)

    assert [job.id for job in moves.claim(connection, jobs, 3.0)] == [jobs[2]]


# ---------------------------------------------------------------- finish


def test_a_finished_job_has_a_take_which_becomes_the_pick(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    run(connection, jobs[0])

    take = moves.finish(connection, jobs[0], 1, decks.picture("/somewhere/tarot/01_card.png"), 3.0)

    assert take is not None
    job = pages.job(connection, jobs[0])
    assert (job.state, job.take, job.ended_at) == (State.DONE, take.id, 3.0)
    assert (take.file, take.created_at, take.job) == ("01_card.png", 3.0, jobs[0])
    slot = pages.get_batch(connection, "tarot").slots[0]
    assert (slot.pick, slot.takes, slot.state) == (take.id, (take,), State.DONE)
    assert decks.told(connection)[-2:] == [
        JobMoved(job=jobs[0], batch="tarot", slot=1, state=State.DONE, attempts=1),
        TakeAdded(take=take, pick=True),
    ]


def test_a_second_take_leaves_the_pick(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    first = decks.drawn(connection, jobs[0])
    (again,) = intake.add_jobs(connection, "tarot", [(1, decks.spec(9))], None, 10, 4.0).jobs

    second = decks.drawn(connection, again)

    slot = pages.get_batch(connection, "tarot").slots[0]
    assert (slot.pick, slot.takes) == (first.id, (first, second))
    assert decks.told(connection)[-1] == TakeAdded(take=second)


@pytest.mark.parametrize("source", sorted(set(State) - {State.RUNNING}), ids=lambda state: state.value)
def test_a_picture_of_a_job_that_does_not_run_changes_nothing(
    connection: sqlite3.Connection, jobs: tuple[int, ...], source: State
) -> None:
    REACH[source](connection, jobs[0])
    before = pages.get_batch(connection, "tarot"), decks.told(connection)

    assert moves.finish(connection, jobs[0], 1, decks.picture(), 9.0) is None
    assert (pages.get_batch(connection, "tarot"), decks.told(connection)) == before


@pytest.mark.parametrize("attempt", [0, 1, 3])
def test_reports_of_another_attempt_change_nothing(
    connection: sqlite3.Connection, jobs: tuple[int, ...], attempt: int
) -> None:
    job = jobs[0]
    die(connection, job)
    run(connection, job)

    assert moves.finish(connection, job, attempt, decks.picture(), 9.0) is None
    assert not moves.fail(connection, job, attempt, "E_OOM", "Too large.", 9.0)
    assert not moves.stop(connection, job, attempt, 9.0)
    assert moves.give_back(connection, job, attempt, "It died.", 9.0, counts=True) is None
    assert (state(connection, job), pages.job(connection, job).attempts) == (State.RUNNING, 2)


# ---------------------------------------------------------------- other ends


def test_a_failed_job_tells_why(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])

    assert moves.fail(connection, jobs[0], 1, "E_OOM", "Too large.", 3.0)

    job = pages.job(connection, jobs[0])
    assert (job.state, job.error, job.ended_at) == (State.FAILED, BIG, 3.0)
    assert pages.get_batch(connection, "tarot").slots[0].error == BIG
    assert decks.told(connection)[-1] == JobMoved(
        job=jobs[0], batch="tarot", slot=1, state=State.FAILED, attempts=1, error=BIG
    )


def test_a_stopped_job_is_cancelled(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])
    moves.cancel(connection, [jobs[0]], None, 3.0)

    assert moves.stop(connection, jobs[0], 1, 4.0)
    assert state(connection, jobs[0]) is State.CANCELLED


# ---------------------------------------------------------------- give back


def test_a_job_whose_worker_died_is_queued_again(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    assert die(connection, jobs[0]) is State.QUEUED

    job = pages.job(connection, jobs[0])
    assert (job.attempts, job.started_at, job.error) == (1, None, None)
    assert decks.told(connection)[-1] == JobMoved(
        job=jobs[0], batch="tarot", slot=1, state=State.QUEUED, attempts=1, error=LOST
    )


def test_a_job_whose_worker_died_twice_is_held(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    assert [die(connection, jobs[0]) for _ in range(2)] == [State.QUEUED, State.HELD]
    assert pages.job(connection, jobs[0]).error == LOST


def test_a_clean_stop_does_not_count(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    for _ in range(5):
        (job,) = moves.claim(connection, jobs[:1], 2.0)
        assert job.attempts == 1
        place = moves.give_back(connection, job.id, 1, "The daemon stops.", 3.0, counts=False)
        assert place is State.QUEUED

    assert decks.told(connection)[-1] == JobMoved(job=jobs[0], batch="tarot", slot=1, state=State.QUEUED)


@pytest.mark.parametrize("counts", [True, False])
def test_a_job_that_was_to_be_stopped_is_cancelled_when_its_worker_goes(
    connection: sqlite3.Connection, jobs: tuple[int, ...], *, counts: bool
) -> None:
    run(connection, jobs[0])
    moves.cancel(connection, [jobs[0]], None, 3.0)

    assert moves.give_back(connection, jobs[0], 1, "It died.", 4.0, counts=counts) is State.CANCELLED


def test_recovery_gives_back_what_ran(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    first, twice, stopping = jobs
    die(connection, twice)
    moves.claim(connection, jobs, 2.0)
    moves.cancel(connection, [stopping], None, 3.0)

    recovered = moves.recover(connection, 4.0)

    assert recovered == {first: State.QUEUED, twice: State.QUEUED, stopping: State.CANCELLED}
    assert {job: state(connection, job) for job in jobs} == recovered
    assert moves.recover(connection, 5.0) == {}


def test_a_job_that_ran_at_every_death_of_the_daemon_is_held_in_the_end(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    places = []
    for _ in range(MAX_RECOVERIES):
        moves.claim(connection, jobs[:1], 2.0)
        places.append(moves.recover(connection, 3.0)[jobs[0]])

    assert places == [State.QUEUED] * (MAX_RECOVERIES - 1) + [State.HELD]


# ---------------------------------------------------------------- adopt


@pytest.mark.parametrize("source", [State.QUEUED, State.RUNNING, State.HELD], ids=lambda state: state.value)
def test_a_picture_found_on_disk_finishes_an_open_job(
    connection: sqlite3.Connection, jobs: tuple[int, ...], source: State
) -> None:
    REACH[source](connection, jobs[0])

    take = moves.adopt(connection, jobs[0], "tarot", 1, decks.picture(), 9.0)

    assert take is not None
    assert pages.job(connection, jobs[0]).take == take.id
    assert news(connection, jobs[0])[-1] is State.DONE


def test_a_picture_finishes_a_job_that_was_to_be_stopped(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])
    moves.cancel(connection, [jobs[0]], None, 3.0)

    assert moves.adopt(connection, jobs[0], "tarot", 1, decks.picture(), 9.0) is not None


@pytest.mark.parametrize("source", [State.DONE, State.FAILED, State.CANCELLED], ids=lambda state: state.value)
def test_a_job_that_has_ended_adopts_nothing(
    connection: sqlite3.Connection, jobs: tuple[int, ...], source: State
) -> None:
    REACH[source](connection, jobs[0])

    assert moves.adopt(connection, jobs[0], "tarot", 1, decks.picture(), 9.0) is None
    assert state(connection, jobs[0]) is source


@pytest.mark.parametrize(
    ("job", "batch", "slot", "seed"),
    [(99, "tarot", 1, 1), (1, "zodiac", 1, 1), (1, "tarot", 2, 1), (1, "tarot", 1, 2)],
    ids=["job", "batch", "slot", "seed"],
)
def test_a_picture_of_something_else_is_not_adopted(  # noqa: PLR0913, PLR0917
    connection: sqlite3.Connection, jobs: tuple[int, ...], job: int, batch: str, slot: int, seed: int
) -> None:
    assert moves.adopt(connection, job, batch, slot, decks.picture(seed=seed), 9.0) is None
    assert state(connection, jobs[0]) is State.QUEUED


# ---------------------------------------------------------------- cancel


def test_cancel_ends_what_waits_and_marks_what_runs(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    done, running, queued = jobs
    decks.drawn(connection, done)
    run(connection, running)

    cancelled = moves.cancel(connection, jobs, None, 4.0)

    assert cancelled == Cancelled(cancelled=(queued,), stopping=(running,), ended=(done,))
    assert pages.job(connection, running).cancel_requested
    assert state(connection, queued) is State.CANCELLED


@pytest.mark.parametrize("source", [State.HELD, State.FAILED], ids=lambda state: state.value)
def test_cancel_dismisses_what_stands_for_a_person(
    connection: sqlite3.Connection, jobs: tuple[int, ...], source: State
) -> None:
    REACH[source](connection, jobs[0])

    assert moves.cancel(connection, [jobs[0]], None, 4.0) == Cancelled(cancelled=(jobs[0],))
    assert pages.job(connection, jobs[0]).error is None


def test_cancel_of_a_batch_takes_its_open_jobs(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    decks.drawn(connection, jobs[0])
    run(connection, jobs[1])

    assert moves.cancel(connection, [], "last", 4.0) == Cancelled(cancelled=jobs[2:], stopping=(jobs[1],))


def test_cancel_of_a_batch_takes_its_held_jobs_and_leaves_the_failed(
    connection: sqlite3.Connection, jobs: tuple[int, ...]
) -> None:
    hold(connection, jobs[0])
    fail(connection, jobs[1])

    assert set(moves.cancel(connection, [], "last", 4.0).cancelled) == {jobs[0], jobs[2]}
    assert state(connection, jobs[1]) is State.FAILED


def test_cancel_of_a_batch_leaves_other_batches(
    connection: sqlite3.Connection, jobs: tuple[int, ...], tmp_path: Path
) -> None:
    decks.dealt(connection, tmp_path, "zodiac")

    moves.cancel(connection, [], "zodiac", 4.0)

    assert {state(connection, job) for job in jobs} == {State.QUEUED}


def test_cancel_twice_is_the_same_as_once(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    run(connection, jobs[0])
    moves.cancel(connection, jobs, None, 4.0)
    before = decks.told(connection)

    assert moves.cancel(connection, jobs, None, 5.0) == Cancelled(stopping=(jobs[0],), ended=jobs[1:])
    assert decks.told(connection) == before


def test_cancel_of_an_unknown_job_or_batch_is_told(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    with pytest.raises(NotFound, match="There is no job 99"):
        moves.cancel(connection, [jobs[0], 99], None, 4.0)
    with pytest.raises(NotFound, match=r'There is no batch "taort"\. Did you mean "tarot"'):
        moves.cancel(connection, [], "taort", 4.0)
    assert state(connection, jobs[0]) is State.QUEUED
