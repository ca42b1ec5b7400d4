"""Keep a `World` in step with the daemon, for ever.

It is followed; what events only name is asked for; where it is away, it is tried again and again.

Knows nothing of Textual. What changed is told to three functions: `changed` gets topics, `happened` each event,
`finished` what ended of a batch with its last open job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from time import monotonic
from typing import Final

from imagineer_tui.model.applying import apply, finished, refuse
from imagineer_tui.model.ending import Ended
from imagineer_tui.model.loading import asking, load, report
from imagineer_tui.model.world import Topic, World
from imagineerd.client import AsyncClient, Event, Followed
from imagineerd.errors import ImagineerError
from imagineerd.jobs import Job
from imagineerd.protocol import EventBody

TICKS_HZ: Final = 5.0
FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 5.0
STATUS_S: Final = 1.0
"""Seconds between two requests for the status, while things change; while nothing does, it is not asked for."""
PAGE: Final = 1000
MOST_LOADED: Final = 10_000
"""Jobs of one batch: as many as a single prompt may have."""


class Feed:
    """One connection's news for one world."""

    def __init__(
        self,
        world: World,
        client: AsyncClient,
        changed: Callable[[frozenset[Topic]], None],
        happened: Callable[[EventBody], None],
        finished: Callable[[Ended], None],
    ) -> None:
        self._world = world
        self._client = client
        self._changed = changed
        self._happened = happened
        self._finished = finished
        self._behind = asyncio.Event()
        self._again = asyncio.Event()
        self._waits = waits()

    async def run(self) -> None:
        """Follow until cancelled."""
        catching_up = asyncio.create_task(self._catch_up_for_ever())
        try:
            while True:
                await self._follow()
        finally:
            catching_up.cancel()

    def try_now(self) -> None:
        """Do not wait for the next try."""
        self._again.set()

    def catch_up(self) -> None:
        """Ask for what the world lacks."""
        self._behind.set()

    async def _follow(self) -> None:
        """Follow until there is no conversation, then wait for the next try."""
        try:
            async with aclosing(self._client.events(ticks_hz=TICKS_HZ)) as messages:
                async for message in messages:
                    self._take(message)
        except ImagineerError as error:
            wait = next(self._waits)
            self._changed(refuse(self._world, error, monotonic() + wait))
            await self._wait(wait)

    def _take(self, message: Followed) -> None:
        topics = apply(self._world, message, monotonic())
        if topics & {"connection", "queue"} and self._world.connection.live:
            self._waits = waits()
            self._behind.set()
        if topics:
            self._changed(topics)
        if isinstance(message, Event):
            self._happened(message.body)
        if "queue" in topics:  # how far a card is ends nothing, and is told some forty times a second
            self._tell_finished()

    async def _wait(self, seconds: float) -> None:
        self._again.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), seconds)

    async def _catch_up_for_ever(self) -> None:
        while True:
            await self._behind.wait()
            self._behind.clear()
            with suppress(ImagineerError):  # the daemon is away or the batch is gone; the next event asks again
                await self._catch_up()
            await asyncio.sleep(STATUS_S)

    async def _catch_up(self) -> None:
        for batch_id in tuple(self._world.stale):
            await self._load(batch_id)
        self._changed(report(self._world, await self._client.status()))

    async def _load(self, batch_id: str) -> None:
        with asking(self._world, batch_id):
            jobs = await self._jobs_of(batch_id)
            batch = self._world.batches.get(batch_id) or (await self._client.batch(batch_id)).batch
            self._changed(load(self._world, batch, jobs))
        self._tell_finished()

    async def _jobs_of(self, batch_id: str) -> list[Job]:
        page = await self._client.jobs(batch_id=batch_id, limit=PAGE)
        jobs = list(page.jobs)
        while page.before is not None and len(jobs) < MOST_LOADED:
            page = await self._client.jobs(batch_id=batch_id, limit=PAGE, before=page.before)
            jobs += page.jobs
        return jobs

    def _tell_finished(self) -> None:
        for ended in finished(self._world):
            self._finished(ended)


def waits() -> Iterator[float]:
    """Yield the seconds to wait before each try: longer and longer, up to a bound."""
    wait = FIRST_WAIT_S
    while True:
        yield wait
        wait = min(2 * wait, LONGEST_WAIT_S)
