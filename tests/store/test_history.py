"""Batches of which no picture is left are forgotten, and nothing else; the room that they leave is given back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import NotFound
from imagineerd.protocol import BatchesForgotten
from imagineerd.store import history, moves, pages, schema, steering, trash

LATER = 100.0
NOW = 200.0


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    yield connection
    connection.close()


@pytest.fixture
def jobs(connection: sqlite3.Connection, tmp_path: Path) -> tuple[int, ...]:
    """A batch of three whose first card was drawn."""
    jobs = decks.dealt(connection, tmp_path)
    decks.drawn(connection, jobs[0])
    return jobs


def end(connection: sqlite3.Connection, at: float = 4.0) -> None:
    """Cancel what waits."""
    moves.cancel(connection, (), "tarot", at)


def destroy(connection: sqlite3.Connection) -> None:
    """Delete the take for good."""
    trash.delete(connection, [pages.take(connection, 1)], 5.0)
    trash.empty(connection, 6.0, 6.0)


def faults(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Return what refers to nothing, and what is counted wrong."""
    wrong = "SELECT state FROM tally WHERE jobs <> (SELECT count(*) FROM job WHERE job.state = tally.state)"
    return [*connection.execute("PRAGMA foreign_key_check"), *connection.execute(wrong)]


def test_a_batch_without_a_picture_is_forgotten_with_all_that_refers_to_it(
    connection: sqlite3.Connection, jobs: tuple[int, ...], tmp_path: Path
) -> None:
    connection.execute("INSERT INTO sidecar_due (take) VALUES (1)")
    connection.execute(
        "INSERT INTO labeling (take, job, person, model, prompt, prompt_version, answer, at, current) "
        "VALUES (1, ?, '', '', '', '', '', 4, 1)",
        (jobs[0],),
    )
    connection.execute("INSERT INTO label (labeling, type, position, text, origin) VALUES (1, 'tag', 0, 'sea', 1)")
    decks.dealt(connection, tmp_path, "zodiac")
    end(connection)
    destroy(connection)

    assert history.forget(connection, LATER, NOW) == 1

    assert decks.told(connection)[-1] == BatchesForgotten(batches=("tarot",))
    assert [batch.id for batch in pages.list_batches(connection, 10, None).batches] == ["zodiac"]
    assert faults(connection) == []
    with pytest.raises(NotFound):
        pages.job(connection, jobs[0])


def test_a_batch_with_a_picture_is_kept(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    end(connection)

    assert history.forget(connection, LATER, NOW) == 0
    assert pages.take(connection, 1).job == jobs[0]


@pytest.mark.usefixtures("jobs")
def test_a_batch_with_a_picture_in_the_trash_is_kept(connection: sqlite3.Connection) -> None:
    end(connection)
    trash.delete(connection, [pages.take(connection, 1)], 5.0)

    assert history.forget(connection, LATER, NOW) == 0


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.usefixtures("jobs")
def test_a_batch_with_work_that_is_to_be_done_is_kept(connection: sqlite3.Connection, *, hold: bool) -> None:
    if hold:
        steering.hold(connection, (), "tarot", 4.0)
    destroy(connection)

    assert history.forget(connection, LATER, NOW) == 0


@pytest.mark.usefixtures("jobs")
def test_a_batch_that_ended_lately_is_kept(connection: sqlite3.Connection) -> None:
    end(connection, at=LATER)
    destroy(connection)

    assert history.forget(connection, LATER, NOW) == 0
    assert history.forget(connection, LATER + 1, NOW) == 1


def test_a_few_are_forgotten_at_a_time_the_oldest_first(connection: sqlite3.Connection, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        moves.cancel(connection, decks.dealt(connection, tmp_path, name), None, 2.0)

    assert history.forget(connection, LATER, NOW, limit=2) == 2
    assert [batch.id for batch in pages.list_batches(connection, 10, None).batches] == ["three"]


def test_what_cannot_be_forgotten_is_there_as_it_was(
    connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves.cancel(connection, decks.dealt(connection, tmp_path), None, 2.0)
    monkeypatch.setattr(history, "_FORGET", (*history._FORGET[:-1], "DELETE FROM nothing WHERE id = :id"))

    with pytest.raises(sqlite3.OperationalError):
        history.forget(connection, LATER, NOW)

    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert len(pages.get_batch(connection, "tarot").slots) == 3


def test_the_room_that_went_is_given_back(connection: sqlite3.Connection, tmp_path: Path) -> None:
    for number in range(20):
        moves.cancel(connection, decks.dealt(connection, tmp_path, f"deck{number}", cards=30), None, 2.0)
    before = (tmp_path / "queue.db").stat().st_size
    history.forget(connection, LATER, NOW)
    assert history.empty_share(connection)[0] > 0.5

    history.vacuum(connection)

    assert history.empty_share(connection)[0] < 0.05
    assert (tmp_path / "queue.db").stat().st_size < before / 2
    assert (tmp_path / "queue.db-wal").stat().st_size == 0
