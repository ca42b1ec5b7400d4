"""Labels of takes: the machine's own words stay, a person's change is one more, and any of them can count again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import Invalid, NotFound
from imagineerd.labels.answers import Answer
from imagineerd.protocol import BatchDetail, EditLabel, LabelChanged
from imagineerd.store import labels, outbox, pages, sayings, schema
from imagineerd.store.sayings import Saying

RAM = Answer("A ram.", "SAFE", ("ram", "gold"))
MACHINE = Saying(model="claude-x", prompt="default", prompt_version="1", job=None, answer="Caption: A ram.")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    connection.execute("BEGIN")
    yield connection
    connection.close()


@pytest.fixture
def take(connection: sqlite3.Connection, tmp_path: Path) -> int:
    jobs = decks.dealt(connection, tmp_path)
    return decks.drawn(connection, jobs[0]).id


def edited(connection: sqlite3.Connection, wanted: EditLabel) -> Answer:
    label = sayings.edit(connection, wanted, "1000", 9.0)
    assert label is not None
    return Answer(label.caption, label.rating, label.tags)


def origins(connection: sqlite3.Connection, labeling: int) -> dict[str, int]:
    rows = connection.execute("SELECT text, origin FROM label WHERE labeling = ?", (labeling,))
    return dict(rows.fetchall())


def test_a_label_says_all_that_is_known_of_it(connection: sqlite3.Connection, take: int) -> None:
    id_ = sayings.say(connection, take, RAM, MACHINE, 7.0)

    label = labels.label_of(connection, take)
    assert label is not None
    assert (label.id, label.caption, label.rating, label.tags) == (id_, "A ram.", "SAFE", ("ram", "gold"))
    assert (label.model, label.prompt, label.prompt_version, label.at) == ("claude-x", "default", "1", 7.0)
    assert (label.person, label.answer, label.is_nsfw) == ("", "", False)


@pytest.mark.parametrize(
    ("rating", "nsfw"), [("", False), ("SAFE", False), ("SUGGESTIVE", False), ("ADULT", True), ("EXPLICIT", True)]
)
def test_adult_and_explicit_pictures_are_not_safe_for_work(
    connection: sqlite3.Connection, take: int, rating: str, nsfw: object
) -> None:
    sayings.say(connection, take, Answer("A ram.", rating), MACHINE, 7.0)  # type: ignore[arg-type]

    assert pages.take(connection, take).label.is_nsfw is nsfw  # type: ignore[union-attr]


def test_a_take_and_its_batch_show_the_label(connection: sqlite3.Connection, take: int) -> None:
    assert pages.take(connection, take).label is None

    sayings.say(connection, take, RAM, MACHINE, 7.0)

    (shown,) = _takes(pages.get_batch(connection, "tarot"))
    assert shown == pages.take(connection, take)
    assert shown.label == labels.label_of(connection, take)


def test_a_new_label_is_told(connection: sqlite3.Connection, take: int) -> None:
    before = outbox.newest(connection)
    sayings.say(connection, take, RAM, MACHINE, 7.0)

    label = labels.label_of(connection, take)
    assert decks.told(connection, before) == [LabelChanged(batch="tarot", slot=1, take=take, label=label)]


def test_an_answer_that_was_not_understood_is_kept_and_does_not_count(
    connection: sqlite3.Connection, take: int
) -> None:
    sayings.say(connection, take, RAM, MACHINE, 7.0)
    before = outbox.newest(connection)

    sayings.say(connection, take, None, MACHINE, 8.0)

    assert labels.label_of(connection, take).caption == "A ram."  # type: ignore[union-attr]
    assert decks.told(connection, before) == []
    newest, oldest = labels.history(connection, take).labels
    assert (newest.caption, newest.answer) == ("", MACHINE.answer)
    assert oldest.caption == "A ram."


def test_the_newest_label_counts_and_the_others_are_history(connection: sqlite3.Connection, take: int) -> None:
    first = sayings.say(connection, take, RAM, MACHINE, 7.0)
    second = sayings.say(connection, take, Answer("A sheep."), MACHINE, 8.0)

    history = labels.history(connection, take)
    assert history.current == second
    assert [label.id for label in history.labels] == [second, first]
    assert [label.answer for label in history.labels] == [MACHINE.answer] * 2


def test_an_edit_changes_what_it_names_and_leaves_the_rest(connection: sqlite3.Connection, take: int) -> None:
    sayings.say(connection, take, RAM, MACHINE, 7.0)

    assert edited(connection, EditLabel(take=take, caption="A  goat.")) == Answer("A goat.", "SAFE", ("ram", "gold"))
    assert edited(connection, EditLabel(take=take, tags=("Goat",))) == Answer("A goat.", "SAFE", ("goat",))
    assert edited(connection, EditLabel(take=take, rating="")) == Answer("A goat.", "", ("goat",))


def test_the_machine_s_label_stays_as_it_was(connection: sqlite3.Connection, take: int) -> None:
    first = sayings.say(connection, take, RAM, MACHINE, 7.0)

    edited(connection, EditLabel(take=take, caption="A goat."))

    now, before = labels.history(connection, take).labels
    assert (before.id, before.caption, before.person) == (first, "A ram.", "")
    assert (now.caption, now.person, now.model) == ("A goat.", "1000", "claude-x")
    assert origins(connection, now.id) == {"A goat.": now.id, "SAFE": first, "ram": first, "gold": first}


def test_an_edit_that_changes_nothing_is_none(connection: sqlite3.Connection, take: int) -> None:
    sayings.say(connection, take, RAM, MACHINE, 7.0)
    before = outbox.newest(connection)

    edited(connection, EditLabel(take=take, caption="A ram.", tags=("RAM", "gold")))

    assert outbox.newest(connection) == before


def test_a_take_without_a_label_can_be_labelled_by_hand(connection: sqlite3.Connection, take: int) -> None:
    assert edited(connection, EditLabel(take=take, tags=("goat",))) == Answer(tags=("goat",))


@pytest.mark.parametrize("changes", [{}, {"caption": " "}, {"caption": "", "tags": ()}])
def test_a_label_of_nothing_is_refused(connection: sqlite3.Connection, take: int, changes: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="needs a caption, a tag or a rating"):
        sayings.edit(connection, EditLabel(take=take, **changes), "1000", 9.0)  # type: ignore[arg-type]


def test_an_edit_can_be_undone(connection: sqlite3.Connection, take: int) -> None:
    first = sayings.say(connection, take, RAM, MACHINE, 7.0)
    edited(connection, EditLabel(take=take, caption="A goat."))
    before = outbox.newest(connection)

    label = sayings.restore(connection, take, first, 10.0)

    assert label == labels.label_of(connection, take)
    assert (label.id, label.caption) == (first, "A ram.")  # type: ignore[union-attr]
    assert decks.told(connection, before) == [LabelChanged(batch="tarot", slot=1, take=take, label=label)]
    assert len(labels.history(connection, take).labels) == 2


def test_a_label_can_be_taken_back_altogether(connection: sqlite3.Connection, take: int) -> None:
    sayings.say(connection, take, RAM, MACHINE, 7.0)

    assert sayings.restore(connection, take, None, 10.0) is None
    assert pages.take(connection, take).label is None


def test_what_is_no_label_of_this_take_cannot_be_restored(connection: sqlite3.Connection, take: int) -> None:
    not_understood = sayings.say(connection, take, None, MACHINE, 7.0)

    for label in (not_understood, 99):
        with pytest.raises(NotFound, match=f"never had a label {label}"):
            sayings.restore(connection, take, label, 10.0)


def test_a_take_that_is_not_there_has_no_labels(connection: sqlite3.Connection) -> None:
    with pytest.raises(NotFound, match="no take 99"):
        labels.history(connection, 99)
    with pytest.raises(NotFound, match="no take 99"):
        sayings.edit(connection, EditLabel(take=99, caption="A ram."), "1000", 1.0)
    with pytest.raises(NotFound, match="no take 99"):
        sayings.restore(connection, 99, None, 1.0)


def test_a_take_has_one_label_at_a_time_whatever_is_run(connection: sqlite3.Connection, take: int) -> None:
    sayings.say(connection, take, RAM, MACHINE, 7.0)
    sayings.say(connection, take, RAM, MACHINE, 8.0)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE labeling SET current = 1")


def _takes(detail: BatchDetail) -> list[object]:
    return [take for slot in detail.slots for take in slot.takes]
