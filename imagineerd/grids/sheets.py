"""Keep the contact sheet of every grid: drawn when its last cell has ended, and again when a pick changes.

The daemon sees to it, and no client, so that it comes also where nobody waits for it; a client on another machine
fetches it like a picture. It is drawn by a process of its own, so that neither Pillow nor the pixels of hundreds of
pictures ever stand in the daemon.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from imagineerd.errors import DiskError, ImagineerError, NotFound
from imagineerd.events import Stored
from imagineerd.grids.contents import contents_of
from imagineerd.jobs import ENDED_STATES, OPEN_STATES
from imagineerd.naming import GRID, SHEET
from imagineerd.protocol import KIND_OF, BatchDetail, JobMoved, PickChanged, TakeDeleted, TakeRestored
from imagineerd.store import Store

log = logging.getLogger("imagineerd.grids")

COMMAND: Final = (sys.executable, "-P", "-m", "imagineerd.grids.sheet")
_DECODERS: Final = {
    KIND_OF[body]: msgspec.msgpack.Decoder(body) for body in (JobMoved, PickChanged, TakeDeleted, TakeRestored)
}


class Sheets:
    """The sheets of one daemon. They are drawn one after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stale: set[str] = set()
        self._wake = asyncio.Event()
        self._one = asyncio.Lock()

    def notice(self, events: Iterable[Stored]) -> None:
        """Take in what was committed: the sheets of grids whose cells end or change are stale."""
        for event in events:
            batch = changed_batch(event)
            if batch.startswith(f"{GRID}_"):
                self._stale.add(batch)
                self._wake.set()

    async def keep(self) -> None:
        """Draw stale sheets for ever, each when nothing of its grid is open."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._stale:
                await self._draw_if_ended(self._stale.pop())

    async def _draw_if_ended(self, batch: str) -> None:
        try:
            detail = await self._store.get_batch(batch)
            if detail.batch.grid and not detail.batch.states.keys() & {state.value for state in OPEN_STATES}:
                await self._draw(detail)
        except ImagineerError as error:
            log.error(error.message)  # noqa: TRY400 - the sentence says it all

    async def draw(self, name: str) -> Path:
        """Draw the sheet of a grid as it is now and return its file. Raises `NotFound`, `DiskError`."""
        return await self._draw(await self._grid(name))

    async def path(self, name: str) -> Path:
        """Return the file of the sheet as it was drawn last. Raises `NotFound`."""
        return Path((await self._grid(name)).batch.folder) / SHEET

    async def _grid(self, name: str) -> BatchDetail:
        detail = await self._store.get_batch(name)
        if not detail.batch.grid:
            raise NotFound(f"{detail.batch.id} is no grid and has no contact sheet.", field="$.batch")
        return detail

    async def _draw(self, detail: BatchDetail) -> Path:
        contents = contents_of(detail)
        async with self._one:
            await asyncio.to_thread(Path(contents.path).parent.mkdir, parents=True, exist_ok=True)
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stderr=pipe)
            _, said = await process.communicate(msgspec.json.encode(contents))
        if process.returncode:
            why = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise DiskError(f"The contact sheet of {detail.batch.id} was not drawn: {why}.")
        return Path(contents.path)


def changed_batch(event: Stored) -> str:
    """Return the batch of which a job ended or another picture counts; empty for all other events."""
    decoder = _DECODERS.get(event.kind)
    match decoder and decoder.decode(event.body):
        case JobMoved(batch=batch, state=state) if state in ENDED_STATES:
            return batch
        case PickChanged(batch=batch) | TakeDeleted(batch=batch):
            return batch
        case TakeRestored(take=take):
            return take.batch
    return ""
