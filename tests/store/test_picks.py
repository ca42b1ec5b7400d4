"""The pick of a slot: the first take, the one that is chosen, and what counts while that one is deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd.errors import NotFound, WrongState
from imagineerd.protocol import PickChanged, Take, TakeDeleted, TakeRestored
from imagineerd.store import intake, pages, picks, schema, trash


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def jobs(connection: sqlite3.Connection, tmp_path: Path) -> tuple[int, ...]:
    return decks.dealt(connection, tmp_path)


def takes_of(connection: sqlite3.Connection, count: int) -> list[Take]:
    """Draw the first card of a deck that is already dealt `count` times."""
    drawn = [decks.drawn(connection, 1)]
    for seed in range(2, count + 1):
        (job,) = intake.add_jobs(connection, "tarot", [(1, decks.spec(seed))], None, 1000, 4.0).jobs
        drawn.append(decks.drawn(connection, job, f"01_card_{seed}.png"))
    return drawn


def pick(connection: sqlite3.Connection) -> int | None:
    return pages.get_batch(connection, "tarot").slots[0].pick


# ---------------------------------------------------------------- choosing


def test_another_take_is_picked(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    decks.drawn(connection, jobs[0])
    (again,) = intake.add_jobs(connection, "tarot", [(1, decks.spec(9))], None, 10, 4.0).jobs
    second = decks.drawn(connection, again)

    assert picks.set_pick(connection, second.id, 5.0) == second
    assert pages.get_batch(connection, "tarot").slots[0].pick == second.id
    assert decks.told(connection)[-1] == PickChanged(batch="tarot", slot=1, take=second.id)


def test_picking_the_pick_changes_nothing(connection: sqlite3.Connection, jobs: tuple[int, ...]) -> None:
    take = decks.drawn(connection, jobs[0])
    before = decks.told(connection)

    picks.set_pick(connection, take.id, 5.0)

    assert decks.told(connection) == before


def test_picking_what_does_not_exist_is_told(connection: sqlite3.Connection) -> None:
    with pytest.raises(NotFound, match="There is no take 5"):
        picks.set_pick(connection, 5, 5.0)


@pytest.mark.usefixtures("jobs")
def test_what_lies_in_the_trash_cannot_be_picked(connection: sqlite3.Connection) -> None:
    first, _ = takes_of(connection, 2)
    trash.delete(connection, [first], 5.0)

    with pytest.raises(WrongState, match="Take 1 is in the trash: restore it first"):
        picks.set_pick(connection, first.id, 6.0)


# ---------------------------------------------------------------- while it is deleted


@pytest.mark.usefixtures("jobs")
def test_where_the_pick_is_deleted_the_newest_kept_take_counts_until_it_is_restored(
    connection: sqlite3.Connection,
) -> None:
    first, _, third = takes_of(connection, 3)

    trash.delete(connection, [first], 5.0)
    assert pick(connection) == third.id
    assert decks.told(connection)[-1] == TakeDeleted(take=first.id, batch="tarot", slot=1, pick=third.id)

    trash.restore(connection, [first], 6.0)
    assert pick(connection) == first.id
    assert decks.told(connection)[-1] == TakeRestored(take=first, pick=first.id)


@pytest.mark.usefixtures("jobs")
def test_deleting_another_take_leaves_the_pick(connection: sqlite3.Connection) -> None:
    first, second = takes_of(connection, 2)

    trash.delete(connection, [second], 5.0)

    assert pick(connection) == first.id


@pytest.mark.usefixtures("jobs")
def test_two_deletions_are_undone_in_any_order(connection: sqlite3.Connection) -> None:
    first, second, third = takes_of(connection, 3)
    trash.delete(connection, [first], 5.0)
    trash.delete(connection, [third], 6.0)
    assert pick(connection) == second.id

    trash.restore(connection, [first], 7.0)
    trash.restore(connection, [third], 8.0)

    assert pick(connection) == first.id


@pytest.mark.usefixtures("jobs")
def test_what_is_picked_meanwhile_stays_the_pick(connection: sqlite3.Connection) -> None:
    first, second, _ = takes_of(connection, 3)
    trash.delete(connection, [first], 5.0)
    picks.set_pick(connection, second.id, 6.0)

    trash.restore(connection, [first], 7.0)

    assert pick(connection) == second.id


@pytest.mark.usefixtures("jobs")
def test_a_new_take_counts_where_all_others_are_deleted_until_the_chosen_one_is_back(
    connection: sqlite3.Connection,
) -> None:
    (first,) = takes_of(connection, 1)
    trash.delete(connection, [first], 5.0)
    assert pick(connection) is None
    (job,) = intake.complete(connection, "tarot", None, 100, 6.0).jobs[:1]
    second = decks.drawn(connection, job, "01_card_2.png")
    assert pick(connection) == second.id

    trash.restore(connection, [first], 7.0)

    assert pick(connection) == first.id


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["delete", "restore", "pick"]), st.integers(0, 3)), max_size=20))
def test_whatever_is_done_a_kept_take_counts_and_the_chosen_one_where_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]]
) -> None:
    connection = schema.open_database(tmp_path_factory.mktemp("picks") / "queue.db")
    connection.execute("BEGIN")
    decks.dealt(connection, Path("nowhere"))
    takes = takes_of(connection, 4)
    kept, chosen = {take.id for take in takes}, takes[0].id
    for act, number in script:
        take = takes[number]
        if act == "delete" and take.id in kept:
            trash.delete(connection, [take], 5.0)
            kept.discard(take.id)
        elif act == "restore" and take.id not in kept:
            trash.restore(connection, [take], 6.0)
            kept.add(take.id)
        elif act == "pick" and take.id in kept:
            picks.set_pick(connection, take.id, 7.0)
            chosen = take.id

        assert pick(connection) in (kept or {None})
        assert chosen not in kept or pick(connection) == chosen
        assert pages.get_batch(connection, "tarot").batch.takes == len(kept)
    connection.close()
