"""Rows of takes that are marked, deleted, restored and given up; each leaves its event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import NotFound, WrongState
from imagineerd.jobs import State
from imagineerd.protocol import Take, TakeChanged, TrashEmptied
from imagineerd.store import intake, pages, schema, trash


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def takes(connection: sqlite3.Connection, tmp_path: Path) -> list[Take]:
    """One take of each of three cards."""
    return [decks.drawn(connection, job, f"{job:02}.png") for job in decks.dealt(connection, tmp_path)]


def ids(stored: tuple[trash.Stored, ...]) -> list[int]:
    return [take.id for take, _ in stored]


# ---------------------------------------------------------------- favourites


def test_a_take_is_marked_as_favourite_and_told_once(connection: sqlite3.Connection, takes: list[Take]) -> None:
    before = len(decks.told(connection))

    trash.favourite(connection, [1, 1], 5.0, on=True)
    trash.favourite(connection, [1], 6.0, on=True)

    marked = pages.take(connection, 1)
    assert marked.favourite is True
    assert decks.told(connection)[before:] == [TakeChanged(take=marked)]
    trash.favourite(connection, [1], 7.0, on=False)
    assert pages.take(connection, 1) == takes[0]


@pytest.mark.usefixtures("takes")
def test_a_take_that_is_not_there_cannot_be_marked(connection: sqlite3.Connection) -> None:
    with pytest.raises(NotFound, match="There is no take 9"):
        trash.favourite(connection, [1, 9], 5.0, on=True)


def test_a_take_in_the_trash_cannot_be_marked(connection: sqlite3.Connection, takes: list[Take]) -> None:
    trash.delete(connection, takes[:1], 5.0)

    with pytest.raises(WrongState, match="Take 1 is in the trash"):
        trash.favourite(connection, [1], 6.0, on=True)


# ---------------------------------------------------------------- in the trash


def test_a_deleted_take_is_shown_in_the_trash_and_nowhere_else(
    connection: sqlite3.Connection, takes: list[Take], tmp_path: Path
) -> None:
    trash.delete(connection, takes[:1], 5.0)

    detail = pages.get_batch(connection, "tarot")
    assert (detail.batch.takes, [len(slot.takes) for slot in detail.slots]) == (2, [0, 1, 1])
    assert [(listed.take.id, listed.card) for listed in trash.list_trash(connection, 10, None).takes] == [(1, "Card 1")]
    assert pages.take(connection, 1).deleted_at == 5.0
    assert trash.in_trash(connection) == (trash.Stored(pages.take(connection, 1), tmp_path / "tarot"),)
    assert pages.job(connection, 1).state is State.DONE


def test_a_restored_take_is_as_it_was(connection: sqlite3.Connection, takes: list[Take]) -> None:
    before = pages.get_batch(connection, "tarot")
    trash.delete(connection, takes, 5.0)

    trash.restore(connection, takes, 6.0)

    assert pages.get_batch(connection, "tarot") == before


def test_takes_are_chosen_by_number_or_by_batch_where_they_are(
    connection: sqlite3.Connection, takes: list[Take]
) -> None:
    trash.delete(connection, takes[:1], 5.0)

    assert ids(trash.chosen(connection, [2, 1, 2], None, "kept")) == [2]
    assert ids(trash.chosen(connection, [2, 1], None, "trash")) == [1]
    assert ids(trash.chosen(connection, [], "tar", "kept")) == [2, 3]
    assert ids(trash.chosen(connection, [], "tar", "trash")) == [1]
    with pytest.raises(NotFound, match="There is no take 9"):
        trash.chosen(connection, [9], None, "kept")


def test_the_trash_comes_page_by_page(connection: sqlite3.Connection, takes: list[Take]) -> None:
    trash.delete(connection, takes, 5.0)

    first = trash.list_trash(connection, 2, None)
    second = trash.list_trash(connection, 2, first.before)

    assert [[listed.take.id for listed in page.takes] for page in (first, second)] == [[3, 2], [1]]
    assert (first.before, second.before) == (2, None)


def test_what_is_deleted_is_missing_and_is_drawn_again_with_a_later_seed(
    connection: sqlite3.Connection, takes: list[Take]
) -> None:
    trash.delete(connection, takes[1:2], 5.0)

    (job,) = intake.complete(connection, "tarot", None, 100, 6.0).jobs

    again = pages.job(connection, job)
    assert (again.slot, again.spec.seed) == (2, takes[1].seed + 1)


def test_the_files_of_what_is_deleted_are_not_missed(connection: sqlite3.Connection, takes: list[Take]) -> None:
    intake.add_jobs(connection, "tarot", [(1, decks.spec(9))], None, 100, 4.0)
    trash.delete(connection, takes[:1], 5.0)

    (unfinished,) = pages.unfinished(connection)

    assert unfinished.files == {"02.png": 2, "03.png": 3}


# ---------------------------------------------------------------- gone for good


def test_what_was_deleted_before_a_time_is_given_up(connection: sqlite3.Connection, takes: list[Take]) -> None:
    trash.delete(connection, takes[:1], 5.0)
    trash.delete(connection, takes[1:2], 7.0)

    doomed = trash.empty(connection, 6.0, 8.0)

    assert [take.id for take in doomed] == [1]
    assert decks.told(connection)[-1] == TrashEmptied(takes=(1,))
    assert trash.places(connection, [1, 2, 3, 9]) == {1: "gone", 2: "trash", 3: "kept"}
    with pytest.raises(NotFound, match="Take 1 was deleted for good"):
        trash.chosen(connection, [1], None, "trash")


def test_an_empty_trash_is_emptied_without_a_word(connection: sqlite3.Connection, takes: list[Take]) -> None:
    before = decks.told(connection)

    assert trash.empty(connection, float("inf"), 8.0) == ()
    assert decks.told(connection) == before
    assert len(takes) == 3
