"""Tidying up, when the daemon starts and every hour: write what is due, forget what is old, give room back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from imagineerd.config import Config
from imagineerd.errors import ImagineerError
from imagineerd.logs import pairs
from imagineerd.store import Store, history
from imagineerd.trash import Trash

log = logging.getLogger("imagineerd.tidying")

DAY_S = 86_400.0
KEYS_KEPT_S = 7 * DAY_S
"""Seconds for which an idempotency key is remembered."""
TIDY_S = 3600.0
WORTH_IT: Final = 4 * 1024 * 1024
"""Bytes that must lie empty in the database before it is written anew."""


class Tidying:
    """What one daemon tidies up; `config` returns the configuration as it is now.

    `write_due` writes what is owed to files, `is_idle` says whether nothing waits or runs.
    """

    def __init__(
        self,
        store: Store,
        trash: Trash,
        config: Callable[[], Config],
        write_due: Callable[[], Awaitable[None]],
        is_idle: Callable[[], bool],
    ) -> None:
        self._store = store
        self._trash = trash
        self._config = config
        self._write_due = write_due
        self._is_idle = is_idle

    async def keep(self) -> None:
        """Tidy up for ever."""
        while True:
            try:
                await self.tidy()
            except ImagineerError as error:
                log.error("Tidying up is put off: %s", error)  # noqa: TRY400 - the sentence says it all
            await asyncio.sleep(TIDY_S)

    async def tidy(self) -> None:
        """Tidy up once. Raises `DiskError`; what was done before that stays."""
        config, now = self._config(), time.time()
        await self._write_due()
        await self._store.prune_events(config.daemon.events_kept)
        await self._store.prune_idem(now - KEYS_KEPT_S)
        if days := config.output.trash_days:
            await self._trash.empty(now - days * DAY_S)
        if days := config.daemon.history_days:
            await self._forget(now - days * DAY_S, now)
        if percent := config.daemon.vacuum_percent:
            await self._vacuum(percent / 100)

    async def _forget(self, before: float, now: float) -> None:
        """Forget a few batches at a time: whoever asks for something meanwhile comes in between."""
        forgotten = 0
        while found := await self._store.forget(before, now):
            forgotten += found
        if forgotten:
            log.info("Batches without a picture were forgotten.", extra=pairs(batches=forgotten))

    async def _vacuum(self, share: float) -> None:
        found, size = await self._store.run(history.empty_share)
        if found >= share and size >= WORTH_IT and self._is_idle():
            began = time.monotonic()
            await self._store.run_alone(history.vacuum)
            log.info(
                "The database was written anew.", extra=pairs(freed=size, seconds=f"{time.monotonic() - began:.2f}")
            )
