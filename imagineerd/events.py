"""Announce what is committed: every subscriber gets each event once, in order, without a gap.

Who subscribes is *syncing* while its snapshot is read; what is committed meanwhile waits for it. A subscriber whose
pipe is full is *lagging*: it is sent nothing until its pipe takes messages again, and then starts from a new snapshot,
so that memory stays the same however slow it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from imagineerd import protocol
from imagineerd.protocol import Head, encode, encode_head

Send = Callable[[bytes, Sequence[bytes]], bool]
"""Send frames to a client by its routing id; False when its pipe is full. Raises `KeyError` when it is gone."""
MAX_TICKED = 256
"""Jobs whose last tick is remembered for one client; jobs that were cut short are never ticked off."""


class Stored(Protocol):
    """A committed event, as the store hands it over."""

    @property
    def seq(self) -> int:
        """Its number."""

    @property
    def kind(self) -> str:
        """Its name in `protocol.EVENTS`."""

    @property
    def body(self) -> bytes:
        """Its body, encoded."""


class Subscriber:
    """One follower: the last event it was sent, and how it keeps up."""

    def __init__(self, client: bytes, ticks_hz: float) -> None:
        self.client = client
        self.tick_gap = 1 / ticks_hz if ticks_hz else float("inf")
        self.seq = 0
        self.syncing = True
        self.lagging = False
        self.missed: list[Stored] = []
        self.ticked: dict[int, float] = {}


class Events:
    """All subscribers, by routing id."""

    def __init__(self, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self.head = 0
        self.subscribers: dict[bytes, Subscriber] = {}
        self._send = send
        self._clock = clock

    def begin(self, client: bytes, ticks_hz: float) -> Subscriber:
        """Take in a subscriber before its snapshot is read; events wait for it from now on."""
        self.subscribers[client] = subscriber = Subscriber(client, ticks_hz)
        return subscriber

    def begin_again(self, subscriber: Subscriber) -> None:
        """A new snapshot is read for one who was lagging; events wait for it from now on."""
        subscriber.lagging, subscriber.syncing = False, True

    def leave_behind(self, subscriber: Subscriber) -> None:
        """Its pipe takes no snapshot now: send it nothing until it does."""
        subscriber.missed.clear()
        subscriber.lagging, subscriber.syncing = True, False

    def complete(self, subscriber: Subscriber, seq: int, missed: Iterable[Stored] = ()) -> None:
        """The snapshot as of `seq` was sent: send what was missed before it (resume) and since."""
        waiting, subscriber.missed = [*missed, *subscriber.missed], []
        subscriber.seq, subscriber.syncing = seq, False
        for event in waiting:
            self._deliver(subscriber, event)

    def forget(self, client: bytes) -> None:
        """The client has left or said that it follows no more."""
        self.subscribers.pop(client, None)

    def announce(self, events: Sequence[Stored]) -> None:
        """Events were committed: send them to everyone who follows."""
        for event in events:
            self.head = event.seq
            for subscriber in tuple(self.subscribers.values()):
                if subscriber.syncing:
                    subscriber.missed.append(event)
                else:
                    self._deliver(subscriber, event)

    def beside(self, body: protocol.Beside) -> None:
        """Send what may be lost: progress, the worker's state, a sign of life."""
        frames = encode(body)
        for subscriber in tuple(self.subscribers.values()):
            if not (subscriber.syncing or subscriber.lagging) and self._wants(subscriber, body):
                self._try(subscriber, frames)

    def laggards(self) -> tuple[Subscriber, ...]:
        """Return those who were left behind and need a new snapshot."""
        return tuple(subscriber for subscriber in self.subscribers.values() if subscriber.lagging)

    def _deliver(self, subscriber: Subscriber, event: Stored) -> None:
        if subscriber.lagging or event.seq <= subscriber.seq:
            return
        head = encode_head(Head(protocol.VERSION, event.kind, 0, event.seq))
        if self._try(subscriber, (head, event.body)):
            subscriber.seq = event.seq
        else:
            subscriber.lagging = True

    def _wants(self, subscriber: Subscriber, body: protocol.Beside) -> bool:
        if not isinstance(body, protocol.Tick):
            return True
        if subscriber.tick_gap == float("inf"):
            return False
        now = self._clock()
        last_step = body.step == body.steps
        if now - subscriber.ticked.get(body.job, float("-inf")) < subscriber.tick_gap and not last_step:
            return False
        subscriber.ticked[body.job] = now
        if last_step:
            del subscriber.ticked[body.job]
        elif len(subscriber.ticked) > MAX_TICKED:
            subscriber.ticked.clear()
        return True

    def _try(self, subscriber: Subscriber, frames: Sequence[bytes]) -> bool:
        try:
            return self._send(subscriber.client, frames)
        except KeyError:
            self.forget(subscriber.client)
            return True
