"""Who watches what is being drawn, and the small pictures that they are sent.

The worker is told what somebody watches, and nothing else is ever made: without a watcher a preview costs nothing. A
watcher that does not read loses previews; one whose session is gone is forgotten at the next message to it, which a
heartbeat is, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from imagineerd import link, protocol
from imagineerd.events import MAX_TICKED, Send
from imagineerd.protocol import Preview, WatchPreviews, encode

JITTER: Final = 0.9
"""Share of the wanted gap after which a preview is due: the worker's steps do not fall on our clock."""


class Watcher:
    """One session, what it watches, and when it was last shown each job."""

    def __init__(self, wish: WatchPreviews, batch: str | None) -> None:
        self.wish = wish
        self.batch = batch
        self.shown: dict[int, float] = {}

    def wants(self, preview: Preview) -> bool:
        """Say whether this job is watched."""
        if self.wish.job is not None:
            return preview.job == self.wish.job
        return self.batch is None or preview.batch == self.batch


class Previews:
    """All watchers, by routing id; `tell` gives the worker what they want, `limit` is the configured rate."""

    def __init__(
        self,
        send: Send,
        tell: Callable[[link.Watch], None],
        limit: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.watchers: dict[bytes, Watcher] = {}
        self._send = send
        self._tell = tell
        self._limit = limit
        self._clock = clock
        self._told = link.Watch()

    def watch(self, client: bytes, wish: WatchPreviews, batch: str | None) -> None:
        """Let a session watch a job, the batch of that id, or everything; a rate of 0 ends it."""
        self.watchers.pop(client, None)
        if wish.rate:
            self.watchers[client] = Watcher(wish, batch)
        self._tell_worker()

    def forget(self, client: bytes) -> None:
        """The client has left, or may not see anything any more."""
        self.watchers.pop(client, None)
        self._tell_worker()

    def show(self, preview: Preview) -> None:
        """A preview was made: send it to everyone who watches its job and was shown none too lately."""
        for client, watcher in tuple(self.watchers.items()):
            if watcher.wants(preview) and self._due(watcher, preview.job):
                self._try(client, encode(shrunk(preview, watcher.wish.max_side)))

    def beat(self, heartbeat: protocol.Heartbeat) -> None:
        """Send every watcher a sign of life, which tells us of those who are gone; look at the configured rate anew."""
        for client in tuple(self.watchers):
            self._try(client, encode(heartbeat))
        self._tell_worker()

    def _due(self, watcher: Watcher, job: int) -> bool:
        rate = min(watcher.wish.rate, self._limit())
        now = self._clock()
        if not rate or now - watcher.shown.get(job, float("-inf")) < JITTER / rate:
            return False
        if len(watcher.shown) > MAX_TICKED:
            watcher.shown.clear()
        watcher.shown[job] = now
        return True

    def _try(self, client: bytes, frames: list[bytes]) -> None:
        try:
            self._send(client, frames)
        except KeyError:
            self.forget(client)

    def _tell_worker(self) -> None:
        wanted = self._wanted()
        if wanted != self._told:
            self._told = wanted
            self._tell(wanted)

    def _wanted(self) -> link.Watch:
        watchers = self.watchers.values()
        by_job = {watcher.wish.job for watcher in watchers if watcher.wish.job is not None}
        by_batch = {watcher.batch for watcher in watchers if watcher.wish.job is None}
        return link.Watch(
            jobs=tuple(sorted(by_job)),
            batches=tuple(sorted(batch for batch in by_batch if batch is not None)),
            all=None in by_batch,
            rate=min(max((watcher.wish.rate for watcher in watchers), default=0.0), self._limit()),
            max_side=max((watcher.wish.max_side for watcher in watchers), default=0),
        )


def shrunk(preview: Preview, max_side: int) -> Preview:
    """Return a preview of at most `max_side` pixels a side, by leaving out pixels."""
    longer = max(preview.width, preview.height)
    if longer <= max_side:
        return preview
    width, height = (max(1, side * max_side // longer) for side in (preview.width, preview.height))
    rows = [y * preview.height // height for y in range(height)]
    places = [(y * preview.width + x * preview.width // width) * 3 for y in rows for x in range(width)]
    rgb = b"".join(preview.rgb[place : place + 3] for place in places)
    return msgspec.structs.replace(preview, width=width, height=height, rgb=rgb)
