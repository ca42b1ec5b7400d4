"""Labels as they are read: of a take, of a batch, and through time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import NotFound
from imagineerd.labels.answers import Answer
from imagineerd.protocol import AnyRating
from imagineerd.search import parse
from imagineerd.store import labels, pages, sayings, schema, search, trash
from imagineerd.store.sayings import Saying

MACHINE = Saying(model="claude-x", prompt="default", prompt_version="1", answer="Caption: A ram.")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def takes(connection: sqlite3.Connection, tmp_path: Path) -> list[int]:
    jobs = decks.dealt(connection, tmp_path, cards=2)
    return [decks.drawn(connection, job, f"{job}.png").id for job in jobs]


def say(connection: sqlite3.Connection, take: int, caption: str, rating: AnyRating = "", *tags: str) -> int:
    return sayings.say(connection, take, Answer(caption, rating, tags), MACHINE, 7.0)


def found(connection: sqlite3.Connection, query: str) -> list[int]:
    return sorted(listed.take.id for listed in search.find(connection, parse(query), None, 10, None).takes)


def test_a_batch_and_a_take_show_the_same_label(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "A ram.", "ADULT", "ram")

    shown = {take.id: take for slot in pages.get_batch(connection, "tarot").slots for take in slot.takes}
    assert shown[takes[0]] == pages.take(connection, takes[0])
    assert (shown[takes[0]].rating, shown[takes[0]].is_nsfw) == ("ADULT", True)
    assert labels.labels_of_batch(connection, "tarot") == {takes[0]: labels.label_of(connection, takes[0])}
    assert (shown[takes[1]].label, shown[takes[1]].rating, shown[takes[1]].is_nsfw) == (None, None, None)


def test_a_take_that_nobody_rated_is_neither_safe_nor_not(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "A ram.")

    take = pages.take(connection, takes[0])
    assert take.label is not None
    assert (take.rating, take.is_nsfw) == (None, None)


def test_the_tags_of_a_label_keep_their_order(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "", "", "z", "a", *map(str, range(12)))

    label = labels.label_of(connection, takes[0])
    assert label is not None
    assert label.tags == ("z", "a", *map(str, range(12)))


def test_a_take_that_does_not_exist_has_no_history(connection: sqlite3.Connection) -> None:
    with pytest.raises(NotFound, match="no take 99"):
        labels.history(connection, 99)


def test_takes_are_found_by_captions_tags_and_ratings(connection: sqlite3.Connection, takes: list[int]) -> None:
    first, second = takes
    say(connection, first, "A ram on a hill.", "SAFE", "gold leaf")
    say(connection, second, "A sheep.", "EXPLICIT")

    assert found(connection, "hill") == found(connection, 'label:"gold leaf"') == [first]
    assert found(connection, "rating:safe") == found(connection, "-is:nsfw") == [first]
    assert found(connection, "is:nsfw") == found(connection, "rating:EXPLICIT") == [second]
    assert found(connection, "rating:") == [first, second]


def test_a_label_that_changed_is_found_by_its_new_words_alone(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "A ram.")
    say(connection, takes[0], "A goat.")

    assert found(connection, "goat") == [takes[0]]
    assert found(connection, "ram") == []


def test_the_index_is_made_again_with_its_labels(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "A ram.")
    connection.execute("COMMIT")
    connection.execute("DROP TABLE take_text")

    search.prepare(connection)

    assert found(connection, "ram") == [takes[0]]


def test_a_batch_counts_its_takes_that_have_a_label(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "A ram.")
    say(connection, takes[0], "A ram in gold.")
    assert pages.batch(connection, "tarot").labelled == 1

    trash.delete(connection, [pages.take(connection, takes[0])], 8.0)
    assert pages.batch(connection, "tarot").labelled == 0


def test_what_is_in_the_trash_keeps_its_label(connection: sqlite3.Connection, takes: list[int]) -> None:
    say(connection, takes[0], "A ram.", "SAFE")

    trash.delete(connection, [pages.take(connection, takes[0])], 8.0)

    (stored,) = trash.in_trash(connection)
    assert stored.take.label == labels.label_of(connection, takes[0])
