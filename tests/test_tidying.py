"""What is old is forgotten and its room given back, as the configuration says at that moment."""

from __future__ import annotations

import time
from pathlib import Path

import decks
import msgspec
import pytest
from house import House

from imagineerd import tidying
from imagineerd.config import Config, default_config
from imagineerd.protocol import BatchesForgotten
from imagineerd.store import Store
from imagineerd.store.outbox import StoredEvent
from imagineerd.tidying import DAY_S, Tidying
from imagineerd.trash import Trash


class Scene:
    """A store with a batch that was cancelled a long time ago, and what tidies it up."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store = store
        self.root = root
        self.config: Config = default_config(House(root).paths)
        self.idle = True
        self.tidying = Tidying(store, Trash(store, root / "trash"), self._config, self._nothing, self._is_idle)

    def set(self, **changes: object) -> None:
        """Change the daemon's section."""
        self.config = msgspec.structs.replace(
            self.config, daemon=msgspec.structs.replace(self.config.daemon, **changes)
        )

    async def cancelled(self, name: str, days_ago: float, cards: int = 3) -> None:
        """Deal a batch and cancel it."""
        at = time.time() - days_ago * DAY_S
        await self.store.submit_batch(decks.deck(name, self.root, cards), None, 10_000, at)
        await self.store.cancel((), name, at)

    async def names(self) -> list[str]:
        """Return the names of the batches, newest first."""
        return [batch.id for batch in (await self.store.list_batches(100, None)).batches]

    def _config(self) -> Config:
        return self.config

    async def _nothing(self) -> None:
        return

    def _is_idle(self) -> bool:
        return self.idle


def test_batches_are_forgotten_after_the_days_that_are_set_now(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        made = Scene(store, tmp_path)
        await made.cancelled("old", days_ago=40)
        await made.cancelled("new", days_ago=20)
        await made.tidying.tidy()
        assert await made.names() == ["new", "old"]

        made.set(history_days=30)
        told: list[StoredEvent] = []
        store.on_events = told.extend
        await made.tidying.tidy()
        assert await made.names() == ["new"]
        (event,) = told
        assert msgspec.msgpack.decode(event.body, type=BatchesForgotten) == BatchesForgotten(batches=("old",))

    decks.with_store(tmp_path / "queue.db", scene)


def test_without_a_number_of_days_nothing_is_forgotten(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        made = Scene(store, tmp_path)
        made.set(history_days=None)
        await made.cancelled("old", days_ago=4000)
        await made.tidying.tidy()

        assert await made.names() == ["old"]

    decks.with_store(tmp_path / "queue.db", scene)


def test_as_many_events_are_kept_as_are_set_now(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        made = Scene(store, tmp_path)
        await made.cancelled("deck", days_ago=1, cards=200)
        made.set(events_kept=100)
        await made.tidying.tidy()
        newest = (await store.snapshot()).seq

        assert await store.events_since(store.epoch, newest - 101, 1000) is None
        kept = await store.events_since(store.epoch, newest - 100, 1000)
        assert kept is not None
        assert len(kept) == 100

    decks.with_store(tmp_path / "queue.db", scene)


def test_the_database_is_written_anew_only_while_nothing_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "WORTH_IT", 1)

    async def scene(store: Store) -> None:
        made = Scene(store, tmp_path)
        await made.cancelled("old", days_ago=400, cards=500)
        made.set(events_kept=100)
        full = (tmp_path / "queue.db-wal").stat().st_size
        made.idle = False
        await made.tidying.tidy()
        share, _ = await store.run(tidying.history.empty_share)
        assert share > 0.5

        made.idle = True
        await made.tidying.tidy()
        share, _ = await store.run(tidying.history.empty_share)
        assert share < 0.05
        assert (tmp_path / "queue.db").stat().st_size < full

    decks.with_store(tmp_path / "queue.db", scene)
