"""Where queued jobs stand: turns are given once, and a person's wish costs no more in a long queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.protocol import JobsPlaced, Place
from imagineerd.store import intake, moves, order, pages, schema


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


def deal(connection: sqlite3.Connection, root: Path, client: str, cards: int = 3, priority: int = 0) -> tuple[int, ...]:
    new = decks.deck("tarot", root, cards, client=client, priority=priority)
    return intake.submit_batch(connection, new, None, decks.NO_LIMIT, 1.0).jobs


def waiting(connection: sqlite3.Connection) -> list[int]:
    return [entry.job for entry in pages.waiting(connection)]


# ---------------------------------------------------------------- turns


def test_the_first_turn_of_an_empty_queue_is_nought(connection: sqlite3.Connection) -> None:
    assert order.turn_for(connection, "a", 0) == 0


def test_a_client_s_next_turn_follows_its_last(connection: sqlite3.Connection, tmp_path: Path) -> None:
    deal(connection, tmp_path, "a")

    assert order.turn_for(connection, "a", 0) == 3
    assert order.turn_for(connection, "b", 0) == 0
    assert order.turn_for(connection, "a", 5) == 0


def test_who_comes_new_begins_at_the_front(connection: sqlite3.Connection, tmp_path: Path) -> None:
    jobs = deal(connection, tmp_path, "a")
    moves.claim(connection, jobs[:2], 2.0)

    assert order.turn_for(connection, "b", 0) == 2


def test_the_last_job_that_comes_back_is_the_next_although_many_came_meanwhile(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    *rest, last = deal(connection, tmp_path, "a", 20)
    moves.claim(connection, rest, 2.0)
    for job in rest:
        moves.fail(connection, job, 1, "E_OOM", "Too large.", 3.0)
    moves.claim(connection, [last], 4.0)
    others = deal(connection, tmp_path, "b", 20)
    moves.give_back(connection, last, 1, "The queue was paused.", 5.0, counts=False)

    assert waiting(connection) == [last, *others]


def test_a_job_that_was_moved_behind_others_costs_its_client_no_turns(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    deal(connection, tmp_path, "greedy", 50)
    mine = deal(connection, tmp_path, "me", 2)
    order.put_last(connection, mine[1:])

    assert order.turn_for(connection, "me", 0) == 1


def test_jobs_that_line_up_again_take_the_next_turns_of_their_own_clients(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    first, second = deal(connection, tmp_path, "a"), deal(connection, tmp_path, "b", 5)

    places = order.line_up(connection, [first[0], second[0], first[1]], 7)

    assert [(place.job, place.priority, place.turn) for place in places] == [
        (first[0], 7, 0),
        (second[0], 7, 0),
        (first[1], 7, 1),
    ]
    assert waiting(connection)[:3] == [first[0], second[0], first[1]]


# ---------------------------------------------------------------- moved by hand


def test_jobs_are_put_first_last_and_before_others(connection: sqlite3.Connection, tmp_path: Path) -> None:
    a, b, c, d, e = deal(connection, tmp_path, "a", 5)

    order.put_first(connection, [d, c])
    assert waiting(connection) == [d, c, a, b, e]
    order.put_last(connection, [c, a])
    assert waiting(connection) == [d, b, e, c, a]
    order.put_before(connection, [a, d], e)
    assert waiting(connection) == [b, a, d, e, c]


def test_who_is_moved_takes_the_priority_of_his_neighbour(connection: sqlite3.Connection, tmp_path: Path) -> None:
    low = deal(connection, tmp_path, "a", 2)
    high = deal(connection, tmp_path, "b", 2, priority=5)

    assert {place.priority for place in order.put_first(connection, low[1:])} == {5}
    assert {place.priority for place in order.put_last(connection, high[:1])} == {0}
    assert waiting(connection) == [low[1], high[1], low[0], high[0]]


def test_one_step_up_is_one_step_though_two_clients_share_a_turn(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    a, b = deal(connection, tmp_path, "a", 2), deal(connection, tmp_path, "b", 2)
    assert waiting(connection) == [a[0], b[0], a[1], b[1]]

    order.put_before(connection, [a[1]], b[0])

    assert waiting(connection) == [a[0], a[1], b[0], b[1]]


def test_a_job_that_comes_later_stands_behind_one_that_was_put_last(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    jobs = deal(connection, tmp_path, "a", 1)
    other = deal(connection, tmp_path, "b", 1)
    order.put_last(connection, jobs)
    later = deal(connection, tmp_path, "c", 1)

    assert waiting(connection) == [*other, *jobs, *later]


def test_there_is_always_room_between_two_jobs(connection: sqlite3.Connection, tmp_path: Path) -> None:
    *rest, last = deal(connection, tmp_path, "a", 4)
    for turn in range(200):
        moved = rest[turn % 3]
        places = order.put_before(connection, [moved], last)
        assert waiting(connection)[-2:] == [moved, last]
        assert {place.job for place in places} >= {moved}


def test_what_is_ranked_anew_is_told_too(connection: sqlite3.Connection, tmp_path: Path) -> None:
    a, b, c = deal(connection, tmp_path, "a", 3)
    connection.execute("UPDATE job SET turn = 0, rank = 1.0")

    places = order.put_before(connection, [c], b)

    assert {place.job for place in places} == {a, b, c}
    assert waiting(connection) == [a, c, b]
    assert {place.job: place.rank for place in places} == dict(connection.execute("SELECT id, rank FROM job"))


def test_many_places_are_told_a_thousand_at_a_time(connection: sqlite3.Connection) -> None:
    order.announce(connection, [Place(job=number) for number in range(2500)], 1.0)

    told = decks.told(connection)
    assert [len(body.places) for body in told if isinstance(body, JobsPlaced)] == [1000, 1000, 500]


# ---------------------------------------------------------------- cost

QUERIES = {
    name: query
    for name, query in vars(order).items()
    if name.startswith("_") and isinstance(query, str) and query.lstrip().startswith("SELECT") and name != "_PLACE"
}


@pytest.mark.parametrize("name", QUERIES)
def test_no_look_at_the_queue_walks_or_sorts_it(connection: sqlite3.Connection, name: str) -> None:
    values = ("1",) * QUERIES[name].count("?")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {QUERIES[name]}", values)]

    assert not [step for step in plan if "TEMP B-TREE" in step]
    assert not [step for step in plan if step.startswith("SCAN") and "USING INDEX job_waiting" not in step]
