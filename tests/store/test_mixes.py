"""Saved mixes in the database: each change with its event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import decks
import pytest

from imagineerd.errors import Invalid, NotFound
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import MixesChanged, MixInfo
from imagineerd.store import schema
from imagineerd.store.mixes import delete_mix, get_mix, list_mixes, rename_mix, save_mix

GOTHIC = (LoraWeight("Card_Fronts", 0.6), LoraWeight("Tarot", 0.2))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = schema.open_database(tmp_path / "queue.db")
    yield connection
    connection.close()


def test_a_saved_mix_is_found_whatever_the_case_of_its_name(connection: sqlite3.Connection) -> None:
    saved = save_mix(connection, "Card-Gothic", GOTHIC, 5.0)

    assert saved == MixInfo(name="Card-Gothic", mix=GOTHIC, saved_at=5.0)
    assert get_mix(connection, "card-gothic") == saved


def test_saving_again_takes_the_place_of_what_was_saved(connection: sqlite3.Connection) -> None:
    save_mix(connection, "gothic", GOTHIC, 5.0)
    save_mix(connection, "Gothic", GOTHIC[:1], 6.0)

    assert list_mixes(connection) == (MixInfo(name="Gothic", mix=GOTHIC[:1], saved_at=6.0),)


def test_mixes_are_listed_by_name(connection: sqlite3.Connection) -> None:
    for name in ("b", "C", "a"):
        save_mix(connection, name, GOTHIC, 5.0)

    assert [mix.name for mix in list_mixes(connection)] == ["a", "b", "C"]


def test_a_mix_is_renamed_and_deleted(connection: sqlite3.Connection) -> None:
    save_mix(connection, "gothic", GOTHIC, 5.0)

    assert rename_mix(connection, "GOTHIC", "Gothic", 6.0).name == "Gothic"
    assert rename_mix(connection, "gothic", "dark", 6.0).mix == GOTHIC
    delete_mix(connection, "dark", 7.0)

    assert list_mixes(connection) == ()
    assert decks.told(connection) == [
        MixesChanged(names=names)
        for names in (("gothic",), ("gothic", "Gothic"), ("Gothic", "dark"), ("dark",))
    ]  # fmt: skip


def test_a_mix_that_is_not_there_is_answered_with_the_nearest(connection: sqlite3.Connection) -> None:
    save_mix(connection, "gothic", GOTHIC, 5.0)

    for ask in (lambda: get_mix(connection, "gohtic"), lambda: delete_mix(connection, "gohtic", 6.0)):
        with pytest.raises(NotFound, match=r'There is no mix "gohtic"\. Did you mean "gothic"\?'):
            ask()


def test_a_name_that_another_mix_has_is_refused(connection: sqlite3.Connection) -> None:
    save_mix(connection, "gothic", GOTHIC, 5.0)
    save_mix(connection, "dark", GOTHIC, 5.0)

    with pytest.raises(Invalid, match='There is a mix "Dark" already'):
        rename_mix(connection, "gothic", "Dark", 6.0)
    assert [mix.name for mix in list_mixes(connection)] == ["dark", "gothic"]
