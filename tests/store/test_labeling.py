"""Label jobs: who gets one, how they end, and that a card does not notice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import msgspec
import pytest

from imagineerd.errors import Conflict, Full, NotFound
from imagineerd.jobs import JobError, LabelSpec, State
from imagineerd.labels.answers import Answer
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.protocol import JobMoved, JobsAdded, Labeling, LabelTakes
from imagineerd.store import intake, labeling, labels, moves, outbox, pages, schema, trash
from imagineerd.store.labeling import NewLabel

PROMPT = LabelPrompt("default", "1", "Look.")
NEW = NewLabel(Answer("A ram.", "SAFE", ("ram",)), "claude-x", "Caption: A ram.")
ERROR = JobError("E_LABEL", "It was not understood.")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def takes(connection: sqlite3.Connection, tmp_path: Path) -> list[int]:
    """The takes of a batch with one card that is not drawn yet."""
    first, second, _ = decks.dealt(connection, tmp_path)
    return [decks.drawn(connection, first).id, decks.drawn(connection, second, "02.png").id]


def asked(connection: sqlite3.Connection, *takes: int, idem: str = "", limit: int = 1000, **more: object) -> Labeling:
    request = LabelTakes(idem=idem or "k", takes=takes, **more)  # type: ignore[arg-type]
    key = decks.key(idem) if idem else None
    return labeling.label_takes(connection, request, PROMPT, key, limit, 20.0)


def started(connection: sqlite3.Connection, job: int) -> int:
    (claimed,) = moves.claim(connection, [job], 21.0)
    return claimed.attempts


def test_every_take_of_a_batch_gets_a_job_with_the_whole_question(
    connection: sqlite3.Connection, takes: list[int]
) -> None:
    done = asked(connection, batch="tarot")

    specs = [pages.job(connection, job).spec for job in done.jobs]
    assert specs == [
        LabelSpec(takes[0], "default", "1", "Look.", "Card 1"),
        LabelSpec(takes[1], "default", "1", "Look.", "Card 2"),
    ]
    assert decks.told(connection)[-1] == JobsAdded(
        batch="tarot", jobs=done.jobs, slots=(1, 2), priority=-1, kind="label"
    )
    assert {waiting.lane for waiting in pages.waiting(connection, done.jobs)} == {"io"}


def test_a_card_does_not_notice_that_its_take_is_labelled(connection: sqlite3.Connection, takes: list[int]) -> None:
    before = pages.get_batch(connection, "tarot").slots

    (job,) = asked(connection, takes[0]).jobs
    attempt = started(connection, job)
    labeling.fail(connection, job, attempt, ERROR, "", 22.0)

    assert pages.get_batch(connection, "tarot").slots == before
    moved = [body for body in decks.told(connection) if isinstance(body, JobMoved) and body.job == job]
    assert [(body.state, body.kind) for body in moved] == [(State.RUNNING, "label"), (State.FAILED, "label")]


def test_a_take_that_has_a_label_or_a_job_for_one_is_skipped(connection: sqlite3.Connection, takes: list[int]) -> None:
    (job,) = asked(connection, takes[0]).jobs
    assert asked(connection, batch="tarot") == Labeling(jobs=(job + 1,), skipped=1)

    labeling.finish(connection, job, started(connection, job), NEW, 22.0)
    assert asked(connection, *takes) == Labeling(skipped=2)


def test_with_force_a_label_is_made_anew_but_not_twice_at_once(
    connection: sqlite3.Connection, takes: list[int]
) -> None:
    (job,) = asked(connection, takes[0]).jobs
    labeling.finish(connection, job, started(connection, job), NEW, 22.0)

    assert len(asked(connection, takes[0], force=True).jobs) == 1
    assert asked(connection, takes[0], force=True) == Labeling(skipped=1)


def test_a_take_that_is_named_twice_gets_one_job(connection: sqlite3.Connection, takes: list[int]) -> None:
    assert len(asked(connection, takes[0], takes[0]).jobs) == 1


def test_takes_of_several_batches_are_told_batch_by_batch(
    connection: sqlite3.Connection, takes: list[int], tmp_path: Path
) -> None:
    other = decks.drawn(connection, decks.dealt(connection, tmp_path, "zodiac")[0])

    done = asked(connection, takes[0], other.id, takes[1])

    told = [body for body in decks.told(connection) if isinstance(body, JobsAdded)]
    assert [(body.batch, len(body.jobs)) for body in told] == [("tarot", 2), ("zodiac", 1)]
    assert len(done.jobs) == 3


def test_a_request_that_is_repeated_gets_its_answer_again(connection: sqlite3.Connection, takes: list[int]) -> None:
    first = asked(connection, takes[0], idem="k1")

    again = asked(connection, takes[0], idem="k1")

    assert again == msgspec.structs.replace(first, repeated=True)
    with pytest.raises(Conflict):
        labeling.label_takes(
            connection, LabelTakes(idem="k1", batch="tarot"), PROMPT, decks.key("k1", b"2" * 32), 1000, 20.0
        )


def test_what_does_not_fit_or_is_not_there_is_refused(connection: sqlite3.Connection, takes: list[int]) -> None:
    with pytest.raises(Full):
        asked(connection, *takes, limit=2)
    with pytest.raises(NotFound, match="no take 99"):
        asked(connection, 99)
    with pytest.raises(NotFound, match="no batch"):
        asked(connection, batch="taort")


def test_a_finished_job_leaves_the_label_and_points_to_its_take(
    connection: sqlite3.Connection, takes: list[int]
) -> None:
    (job,) = asked(connection, takes[1]).jobs

    assert labeling.finish(connection, job, started(connection, job), NEW, 22.0)

    ended = pages.job(connection, job)
    assert (ended.state, ended.take) == (State.DONE, takes[1])
    label = labels.label_of(connection, takes[1])
    assert label is not None
    assert (label.caption, label.model, label.prompt, label.job) == ("A ram.", "claude-x", "default", job)


def test_what_a_lost_attempt_says_changes_nothing(connection: sqlite3.Connection, takes: list[int]) -> None:
    (job,) = asked(connection, takes[0]).jobs
    attempt = started(connection, job)
    moves.give_back(connection, job, attempt, "The worker died.", 22.0, counts=True)
    before = outbox.newest(connection)

    assert not labeling.finish(connection, job, attempt, NEW, 23.0)
    assert not labeling.fail(connection, job, attempt, ERROR, "Hm.", 23.0)

    assert outbox.newest(connection) == before
    assert labels.history(connection, takes[0]).labels == ()


@pytest.mark.parametrize("end", ["finish", "fail"])
def test_a_take_that_was_deleted_for_good_meanwhile_fails_its_job(
    connection: sqlite3.Connection, takes: list[int], end: str
) -> None:
    (job,) = asked(connection, takes[0]).jobs
    attempt = started(connection, job)
    trash.delete(connection, [pages.take(connection, takes[0])], 21.0)
    trash.empty(connection, 22.0, 22.0)

    if end == "finish":
        assert labeling.finish(connection, job, attempt, NEW, 23.0)
    else:
        assert labeling.fail(connection, job, attempt, ERROR, "I like the weather.", 23.0)

    ended = pages.job(connection, job)
    gone = JobError("E_NOT_FOUND", f"Take {takes[0]} was deleted for good.")
    assert (ended.state, ended.error) == (State.FAILED, gone if end == "finish" else ERROR)


def test_the_words_of_an_answer_that_was_not_understood_are_kept(
    connection: sqlite3.Connection, takes: list[int]
) -> None:
    (job,) = asked(connection, takes[0]).jobs

    assert labeling.fail(connection, job, started(connection, job), ERROR, "I like the weather.", 22.0)

    (kept,) = labels.history(connection, takes[0]).labels
    assert (kept.answer, kept.caption, kept.job) == ("I like the weather.", "", job)
    assert pages.job(connection, job).error == ERROR
    assert pages.take(connection, takes[0]).label is None


def test_a_batch_that_is_dealt_to_be_labelled_queues_a_job_with_each_take(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    new = msgspec.structs.replace(decks.deck("fables", tmp_path), label_prompt=PROMPT)
    first, *_ = intake.submit_batch(connection, new, None, 1000, 1.0).jobs

    take = decks.drawn(connection, first)

    added = decks.told(connection)[-1]
    assert isinstance(added, JobsAdded)
    assert (added.kind, added.slots) == ("label", (1,))
    spec = pages.job(connection, added.jobs[0]).spec
    assert spec == LabelSpec(take.id, "default", "1", "Look.", "Card 1")


def test_a_label_job_is_no_picture_to_be_adopted(connection: sqlite3.Connection, takes: list[int]) -> None:
    (job,) = asked(connection, takes[0]).jobs

    assert moves.adopt(connection, job, "tarot", 1, decks.picture(), 30.0) is None
