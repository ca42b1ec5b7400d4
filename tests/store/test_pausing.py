"""The queue is paused once, told once, and stays so."""

from __future__ import annotations

from pathlib import Path

import decks

from imagineerd.protocol import PauseChanged
from imagineerd.store import Store, pages, pausing, schema


def test_a_new_queue_is_not_paused(tmp_path: Path) -> None:
    connection = schema.open_database(tmp_path / "queue.db")

    assert not pausing.is_paused(connection)
    connection.close()


def test_a_change_is_told_once_and_shown_everywhere(tmp_path: Path) -> None:
    connection = schema.open_database(tmp_path / "queue.db")
    for paused in (True, True, False, False, True):
        pausing.pause(connection, paused, 1.0)

    assert decks.told(connection) == [PauseChanged(paused=paused) for paused in (True, False, True)]
    assert pages.snapshot(connection).paused
    assert pages.queue(connection, 10, None).paused
    connection.close()


def test_it_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"

    async def pause(store: Store) -> None:
        await store.pause(1.0, paused=True)

    decks.with_store(path, pause)
    assert decks.with_store(path, Store.is_paused)
