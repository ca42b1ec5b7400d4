"""Following the daemon without a gap, and watching what it draws, without the socket: see `protocol`.

The mark is the last event that was handed on. Whatever goes wrong (another connection, a hole in the numbers, a
heartbeat that knows of more), the answer is the same: subscribe again since the mark.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

from imagineerd.client.session import Session, error_from
from imagineerd.errors import ImagineerError, ProtocolError
from imagineerd.protocol import (
    Beside,
    Body,
    Building,
    Bye,
    Error,
    EventBody,
    EventMark,
    Head,
    Heartbeat,
    Preview,
    Request,
    Resume,
    Snapshot,
    Subscribe,
    Tick,
    WatchPreviews,
    Worker,
)

T = TypeVar("T")


class Event(NamedTuple):
    """A change of state; numbers count up by one within an epoch."""

    seq: int
    body: EventBody


class Away(NamedTuple):
    """The daemon does not answer any more; a `Snapshot` or a `Resume` comes when it does again."""


Followed: TypeAlias = Snapshot | Resume | Event | Beside | Away


class Stream(Session, Generic[T]):
    """A session that asks for one thing whenever it opens; what it is sent is to be handed on and stands in `inbox`."""

    def __init__(self, client: str = "", version: str = "") -> None:
        super().__init__(client, version)
        self.inbox: deque[T] = deque()
        self._asked = 0

    def fell_silent(self) -> None:
        """The connection stands and nothing comes: ask again."""
        self.opened()

    def failed(self, error: ImagineerError) -> None:
        """Give up; a daemon that is only shutting down comes back."""
        super().failed(error)
        self.failure = None if error.code == "E_DRAINING" else error

    def _ask(self, request: Request[Any]) -> None:
        """Ask; the answer is recognised by its number in `pushed`, since more than one may come under it."""
        self._asked = self.submit(request)
        self.forget(self._asked)

    def _turned_down(self, body: Error) -> None:
        if body.code == "E_HELLO":
            self.connected()
        else:
            self.failed(error_from(body))


class Watching(Stream[Preview]):
    """A session that watches previews; of a job that was not looked at in time, the newest one is kept."""

    def __init__(self, wish: WatchPreviews, client: str = "", version: str = "") -> None:
        super().__init__(client, version)
        self._wish = wish

    def opened(self) -> None:
        """The daemon is (back) there: watch."""
        self._ask(self._wish)

    def pushed(self, head: Head, body: Body | None) -> None:
        """Keep a preview in place of an older one of its job."""
        match body:
            case Preview():
                older = [preview for preview in self.inbox if preview.job == body.job]
                for preview in older:
                    self.inbox.remove(preview)
                self.inbox.append(body)
            case Error() if head.rid == self._asked:
                self._turned_down(body)


class Following(Stream[Followed]):
    """A session that subscribes."""

    def __init__(
        self, since: EventMark | None = None, ticks_hz: float = 5.0, client: str = "", version: str = ""
    ) -> None:
        super().__init__(client, version)
        self.mark = since
        self._ticks_hz = ticks_hz
        self._live = False
        self._away = True
        self._put_off = False

    def opened(self) -> None:
        """The daemon is (back) there: follow on from the mark."""
        self._subscribe()

    def disconnected(self) -> None:
        """Say once that the daemon is away."""
        super().disconnected()
        self._live = False
        if not self._away:
            self._away = True
            self.inbox.append(Away())

    def fell_silent(self) -> None:
        """The connection stands and nothing comes: say so, and ask to be told from the mark once it goes on."""
        if self._live:
            self._away = True
            self.inbox.append(Away())
        if self._live or self._put_off:
            self._subscribe()

    def pushed(self, head: Head, body: Body | None) -> None:
        """Sort one message: a start, an event, or something beside the events. Unknown ones are skipped."""
        if head.rid not in {0, self._asked}:
            return
        match body:
            case Snapshot() | Resume():
                self._started(body)
            case Error():
                self._turned_down(body)
            case Tick() | Worker() | Building() | Heartbeat() | Bye() if self._live:
                self._beside(body)
            case _ if head.seq and self._live:
                self._numbered(head.seq, body)

    def _turned_down(self, body: Error) -> None:
        """Ask again later where there is hope: who followed once is not to give up over a disk that is full today."""
        if self.mark is not None and body.retry == "later":
            self._put_off = True
        else:
            super()._turned_down(body)

    def _subscribe(self) -> None:
        self._live = self._put_off = False
        self._ask(Subscribe(since=self.mark, ticks_hz=self._ticks_hz))

    def _started(self, body: Snapshot | Resume) -> None:
        if isinstance(body, Snapshot):
            self.mark = EventMark(epoch=body.epoch, seq=body.seq)
        elif self.mark is None or body.epoch != self.mark.epoch:
            self.failed(ProtocolError("The daemon resumed events that this client did not follow."))
            return
        self._live, self._away = True, False
        self.inbox.append(body)

    def _beside(self, body: Beside) -> None:
        self.inbox.append(body)
        if isinstance(body, Heartbeat) and self.mark and body.seq > self.mark.seq:
            self._subscribe()

    def _numbered(self, seq: int, body: Body | None) -> None:
        mark = cast("EventMark", self.mark)
        if seq > mark.seq + 1:
            self._subscribe()
        elif seq == mark.seq + 1:
            self.mark = EventMark(epoch=mark.epoch, seq=seq)
            if body is not None:
                self.inbox.append(Event(seq, cast("EventBody", body)))
