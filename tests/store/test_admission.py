"""Who may still come into a queue that is full."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from decks import deck

from imagineerd.errors import Full
from imagineerd.store import intake, schema, steering

LIMIT = 12


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def ask(connection: sqlite3.Connection, tmp_path: Path):
    """Ask for so many cards as some client; return the jobs."""

    def submit(client: str, cards: int, **terms: object) -> tuple[int, ...]:
        new = deck("tarot", tmp_path, cards, client=client, **terms)
        return intake.submit_batch(connection, new, None, LIMIT, 1.0).jobs

    return submit


def test_one_client_alone_may_fill_the_queue_and_no_more(ask) -> None:
    ask("ann", LIMIT)

    with pytest.raises(Full, match=r"^The queue holds 12 jobs and takes 12: 1 more do not fit"):
        ask("ann", 1)


def test_another_client_gets_in_up_to_its_share_of_a_full_queue(ask) -> None:
    ask("ann", LIMIT)
    ask("ben", 6)

    with pytest.raises(Full, match="18 jobs and takes 12, 6 of them yours, and your share is 6: 1 more do not fit"):
        ask("ben", 1)


def test_who_has_more_than_its_share_waits_until_the_queue_is_shorter(ask) -> None:
    ask("ann", LIMIT)
    ask("ben", 6)

    with pytest.raises(Full, match="12 of them yours, and your share is 6"):
        ask("ann", 1)


def test_what_is_held_counts_as_what_waits(ask, connection: sqlite3.Connection) -> None:
    ask("ann", LIMIT)
    steering.hold(connection, ask("ben", 6), None, 1.0)

    with pytest.raises(Full, match="6 of them yours"):
        ask("ben", 7)


def test_all_together_never_have_more_than_twice_the_limit(ask) -> None:
    ask("ann", LIMIT)
    admitted = LIMIT
    for number in range(LIMIT):
        try:
            admitted += len(ask(f"guest {number}", 2))
        except Full:
            break

    assert LIMIT < admitted <= 2 * LIMIT


def test_a_share_grows_again_when_others_leave(ask, connection: sqlite3.Connection) -> None:
    ann = ask("ann", LIMIT)
    ask("ben", 6)
    connection.execute("UPDATE job SET state = 'cancelled', ended_at = 1 WHERE id <= ?", (ann[-1],))

    assert len(ask("ben", 6)) == 6
