"""Bring sidecars up to the labels of their takes.

A label counts when its row is committed; the sidecar follows. Which sidecars are due stands in the database until they
are written, so that a crash, or a disk that was full, delays them and no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from imagineerd.errors import NotFound
from imagineerd.labels.sidecar import note_label
from imagineerd.protocol import Label
from imagineerd.replacing import delete_leftovers
from imagineerd.store import Store
from imagineerd.trash import Trash

log = logging.getLogger("imagineerd.labels")


class Noting:
    """The sidecars of one store, be they at home or in the trash."""

    def __init__(self, store: Store, trash: Trash) -> None:
        self._store = store
        self._trash = trash

    async def note(self, take: int) -> None:
        """Bring the sidecar of a take up to its label; trouble with the file is logged."""
        await self._write(take, note_label)

    async def catch_up(self) -> None:
        """Write the sidecars that are due, and delete what a killed daemon left beside them."""
        for take in await self._store.sidecars_due():
            await self._write(take, _clear_and_note)

    async def _write(self, take: int, write: Callable[[Path, Label | None], None]) -> None:
        async with self._store.files:  # nobody moves it meanwhile, and the last of several writes what is so now
            try:
                found, folder = await self._store.get_take(take)
            except NotFound:  # deleted for good meanwhile, and the sidecar with it
                return
            sidecar = self._trash.sidecar_of(found, folder)
            try:
                await asyncio.to_thread(write, sidecar, found.label)
            except (FileNotFoundError, ValueError) as error:  # somebody deleted it or made it into something else
                log.warning("The label is not in the sidecar: %s", error)
            except OSError as error:
                log.warning("The label is not in the sidecar yet: %s", error)
                return
            await self._store.sidecar_done(take, found.label.id if found.label else None)


def _clear_and_note(sidecar: Path, label: Label | None) -> None:
    delete_leftovers(sidecar)
    note_label(sidecar, label)
