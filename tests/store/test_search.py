"""The index finds kept takes by their words, newest first, and is made again where it is missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import msgspec
import pytest

from imagineerd.errors import NotFound
from imagineerd.jobs import LoraWeight
from imagineerd.search import parse
from imagineerd.store import Store, intake, picks, schema, search, trash

CARDS = {
    "The Fool": ("the fool, gold leaf, at sea", ("Ink",)),
    "The Magician": ("the magician, silver leaf, at sea", ("Ink-Wash", "Gold")),
    "Café": ("a café in München, at sea", ()),
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def drawn(connection: sqlite3.Connection, tmp_path: Path) -> sqlite3.Connection:
    """A database with one take of each card (1, 2, 3), which were dealt with the mix "gothic"."""
    specs = [
        msgspec.structs.replace(decks.spec(seed, prompt), mix=tuple(map(LoraWeight, loras)))
        for seed, (prompt, loras) in enumerate(CARDS.values(), 1)
    ]
    new = msgspec.structs.replace(
        decks.deck("tarot_1", tmp_path),
        slots=tuple(zip((1, 2, 3), CARDS, specs, strict=True)),
        jobs=tuple(enumerate(specs, 1)),
        mixes=("gothic",),
    )
    for job in intake.submit_batch(connection, new, None, 100, 1.0).jobs:
        decks.drawn(connection, job, f"{job:02}.png")
    return connection


def found(connection: sqlite3.Connection, text: str, batch: str | None = None) -> list[int]:
    return [listed.take.id for listed in search.find(connection, parse(text), batch, 100, None).takes]


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("", [3, 2, 1]),
        ("leaf", [2, 1]),
        ("lea", [2, 1]),
        ('"lea"', []),
        ("gold", [2, 1]),
        ("prompt:gold", [1]),
        ("lora:gold", [2]),
        ("lora:ink", [2, 1]),
        ("lora:gothic", [3, 2, 1]),
        ('"leaf at sea"', [2, 1]),
        ('"sea leaf"', []),
        ("card:fool", [1]),
        ('card:"the fool"', [1]),
        ("-card:fool", [3, 2]),
        ("leaf -silver", [1]),
        ("-silver -gold", [3]),
        ("cafe MUNCHEN", [3]),
        ("theme:sea set:tarot", [3, 2, 1]),
        ("set:zodiac", []),
        ("theme:silver", []),
        ("♥", [3, 2, 1]),
    ],
)
def test_takes_are_found_by_their_words(drawn: sqlite3.Connection, text: str, takes: list[int]) -> None:
    assert found(drawn, text) == takes


def test_takes_are_found_by_what_they_are(drawn: sqlite3.Connection) -> None:
    trash.favourite(drawn, [1, 2], 5.0, on=True)
    trash.favourite(drawn, [2], 5.0, on=False)
    (again,) = intake.add_jobs(drawn, "tarot_1", [(1, decks.spec(9, "the fool again"))], None, 100, 5.0).jobs
    fourth = decks.drawn(drawn, again, "04.png")
    picks.set_pick(drawn, fourth.id, 6.0)

    assert found(drawn, "is:favourite") == [1]
    assert found(drawn, "-is:favourite leaf") == [2]
    assert found(drawn, "is:pick") == [4, 3, 2]
    assert found(drawn, "-is:pick fool") == [1]


def test_takes_of_one_batch_are_found(drawn: sqlite3.Connection, tmp_path: Path) -> None:
    (job, *_) = decks.dealt(drawn, tmp_path, "zodiac")
    take = decks.drawn(drawn, job)

    assert found(drawn, "", "zodiac") == [take.id]
    assert found(drawn, "leaf", "zodiac") == []


def test_auditions_are_found_only_in_their_own_batch(drawn: sqlite3.Connection, tmp_path: Path) -> None:
    heard = msgspec.structs.replace(decks.deck("heard", tmp_path, 1), audition=True)
    take = decks.drawn(drawn, *intake.submit_batch(drawn, heard, None, decks.NO_LIMIT, 1.0).jobs)

    assert found(drawn, "fool") == [1]
    assert found(drawn, "", "heard") == [take.id]


def test_what_is_found_is_told_with_its_names(drawn: sqlite3.Connection) -> None:
    (listed,) = search.find(drawn, parse("card:fool"), None, 10, None).takes

    assert (listed.card, listed.set, listed.title, listed.theme) == ("The Fool", "tarot", "The tarot_1", "at sea")
    assert (listed.pick, listed.take.favourite, listed.take.rating, listed.take.is_nsfw) == (True, False, None, None)


@pytest.mark.parametrize("text", ["", "sea"])
def test_takes_come_newest_first_page_by_page(drawn: sqlite3.Connection, text: str) -> None:
    first = search.find(drawn, parse(text), None, 2, None)
    second = search.find(drawn, parse(text), None, 2, first.before)

    assert [[listed.take.id for listed in page.takes] for page in (first, second)] == [[3, 2], [1]]
    assert (first.before, second.before) == (2, None)


def test_what_lies_in_the_trash_is_not_found_until_it_is_back(drawn: sqlite3.Connection) -> None:
    (stored,) = trash.chosen(drawn, [1], None, "kept")
    trash.delete(drawn, [stored.take], 5.0)
    assert found(drawn, "fool") == []
    assert found(drawn, "") == [3, 2]

    trash.restore(drawn, [stored.take], 6.0)

    assert found(drawn, "fool") == [1]


@pytest.mark.parametrize("damage", ["DROP TABLE take_text", "DROP TABLE take_text; CREATE TABLE take_text (x)"])
def test_an_index_that_is_missing_or_old_is_made_again(drawn: sqlite3.Connection, damage: str) -> None:
    trash.delete(drawn, [trash.chosen(drawn, [2], None, "kept")[0].take], 5.0)
    trash.empty(drawn, 9.0, 6.0)
    drawn.execute("COMMIT")
    drawn.executescript(damage)

    search.prepare(drawn)

    assert found(drawn, "leaf") == [1]
    assert drawn.execute("SELECT count(*) FROM take_text").fetchone() == (2,)


def test_an_index_that_is_right_is_left_alone(drawn: sqlite3.Connection) -> None:
    drawn.execute("COMMIT")
    drawn.execute("DELETE FROM take_text WHERE rowid = 1")

    search.prepare(drawn)

    assert found(drawn, "leaf") == [2]


@pytest.mark.parametrize("text", ["", "leaf", "leaf is:pick -gold", "is:favourite", "-gold"])
def test_no_page_walks_or_sorts_the_history(drawn: sqlite3.Connection, text: str) -> None:
    statements: list[str] = []
    drawn.set_trace_callback(statements.append)
    found(drawn, text)
    drawn.set_trace_callback(None)
    (statement,) = [statement for statement in statements if statement.startswith("SELECT take.")]

    steps = [row[3] for row in drawn.execute(f"EXPLAIN QUERY PLAN {statement}")]

    assert not [step for step in steps if "TEMP B-TREE" in step]
    assert not [step for step in steps if step.startswith(("SCAN slot", "SCAN batch", "SCAN take USING INDEX take_by"))]


def test_the_store_knows_a_batch_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.submit_batch(decks.deck("tarot_1", tmp_path), None, 100, 1.0)
        await store.claim([1], 2.0)
        await store.finish(1, 1, decks.picture(), 3.0)

        assert len((await store.search(parse("batch:tar"), 10, None)).takes) == 1
        with pytest.raises(NotFound, match='There is no batch "zodiac"'):
            await store.search(parse("batch:zodiac"), 10, None)

    decks.with_store(tmp_path / "queue.db", work)
