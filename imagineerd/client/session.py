"""The client's half of the conversation on one socket, without the socket: frames in, frames out.

Rules that live here:

1. Nothing is sent before the daemon has said `welcome` on this very connection, and nothing waits in a queue of
   libzmq: a request whose caller gave up is never carried out later.
2. When the connection breaks, whatever is unanswered is sent again after the next `welcome`, with the same body and
   so with the same idempotency key. A request of `ONCE` is not, where the daemon may have begun it: it fails.
3. `E_HELLO` means that the daemon has forgotten us and did nothing: say hello, then send again.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from imagineerd import protocol
from imagineerd.errors import DaemonAway, ImagineerError, ProtocolError, TooLarge
from imagineerd.protocol import Body, Error, Head, Hello, Limits, Release, Request, RetryJobs, Stop, Welcome

ONCE: Final = (Stop, RetryJobs, Release)
"""Requests that would do harm, or be refused, if they were carried out twice."""
MAX_REFUSALS: Final = 3
"""How often one request may meet `E_HELLO` before that counts as its answer."""

_UNREADABLE = (IndexError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_CLASSES: Final[dict[str, type[ImagineerError]]] = {
    cls.code: cls for cls in ImagineerError.__subclasses__() if cls is not DaemonAway
}


class Reply(NamedTuple):
    """An answer: its body and, for a chunk of a picture, the raw frame behind it."""

    body: Body
    blob: bytes = b""


class Pending(msgspec.Struct):
    """A request without an answer yet; `sent` in the present connection."""

    request: Request[Any]
    sent: bool = False
    refusals: int = 0


class Session:
    """Requests and replies over a connection that may come and go.

    Whoever owns the socket calls `connected`, `disconnected` and `receive`, and sends what stands in `outgoing`.
    `failure` is set where this connection cannot lead to a session, such as another protocol version.
    """

    def __init__(self, client: str = "", version: str = "") -> None:
        self.welcome: Welcome | None = None
        self.outgoing: deque[list[bytes]] = deque()
        self.failure: ImagineerError | None = None
        self._who = Hello(proto_min=protocol.VERSION, proto_max=protocol.VERSION, client=client, version=version)
        self._hello = 0
        self._rids = itertools.count(1)
        self._pending: dict[int, Pending] = {}
        self._outcomes: dict[int, Reply | ImagineerError] = {}

    @property
    def limits(self) -> Limits:
        """What the daemon takes, as it last said."""
        return self.welcome.limits if self.welcome else Limits()

    # ------------------------------------------------------------ requests

    def submit(self, request: Request[Any]) -> int:
        """Take in a request, to be sent as soon as possible; return its number."""
        rid = next(self._rids)
        self._pending[rid] = Pending(request)
        if self.failure:
            self._fail(rid, self.failure)
        self._flush()
        return rid

    def outcome(self, rid: int) -> Reply | None:
        """Return the answer, None while there is none. Raises the `ImagineerError` that it was answered with."""
        outcome = self._outcomes.get(rid)
        if isinstance(outcome, ImagineerError):
            raise outcome
        return outcome

    def remind(self, rid: int) -> None:
        """Send a request again that is still unanswered: its reply may have been dropped on a full pipe."""
        if rid in self._pending:
            self._pending[rid].sent = False
            self._flush()

    def forget(self, rid: int) -> None:
        """Drop a request and its answer; a reply that comes later is ignored."""
        self._pending.pop(rid, None)
        self._outcomes.pop(rid, None)

    # ------------------------------------------------------------ connection

    def connected(self) -> None:
        """A connection stands: say hello."""
        self.failure = None
        self._greet()

    def disconnected(self) -> None:
        """The connection is gone, and with it every answer that was on its way."""
        self.welcome, self._hello = None, 0
        self.outgoing.clear()
        for rid, pending in tuple(self._pending.items()):
            if pending.sent and isinstance(pending.request, ONCE):
                kind = protocol.KIND_OF[type(pending.request)]
                self._fail(rid, DaemonAway(f'imagineerd went away before it answered "{kind}"; it may have done it.'))
            pending.sent = False

    def receive(self, frames: Sequence[bytes]) -> None:
        """Take in one message of the daemon."""
        try:
            head = protocol.decode_head(frames[0])
            body = protocol.decode_from_daemon(head.kind, frames[1])
        except _UNREADABLE as error:
            self.failed(ProtocolError(f"What answers is no imagineerd that this client understands: {error}."))
            return
        if head.rid and head.rid == self._hello:
            self._greeted(body)
        elif head.rid in self._pending and not head.seq:
            self._answered(head, body, b"".join(frames[2:]))
        else:
            self.pushed(head, body)

    # ------------------------------------------------------------ for those who follow

    def opened(self) -> None:
        """The daemon has said welcome."""

    def pushed(self, head: Head, body: Body | None) -> None:
        """Something came that answers no request; a late reply is one such thing."""

    def failed(self, error: ImagineerError) -> None:
        """The conversation itself failed: so does everything that waits for an answer."""
        if self.welcome is None:
            self.failure = error
        for rid in tuple(self._pending):
            self._fail(rid, error)

    # ------------------------------------------------------------ inner steps

    def _greet(self) -> None:
        self.welcome = None
        self._hello = next(self._rids)
        self.outgoing.append(protocol.encode(self._who, rid=self._hello))

    def _greeted(self, body: Body | None) -> None:
        self._hello = 0
        match body:
            case Welcome():
                self.welcome = body
                self._flush()
                self.opened()
            case Error():
                self.failed(error_from(body))
            case _:
                self.failed(ProtocolError("The daemon did not answer hello by welcome."))

    def _answered(self, head: Head, body: Body | None, blob: bytes) -> None:
        if isinstance(body, Error) and body.code == "E_HELLO":
            self._refused(head.rid, body)
        elif isinstance(body, Error):
            self._fail(head.rid, error_from(body))
        elif not isinstance(body, reply_of(type(self._pending[head.rid].request))):
            self._fail(head.rid, ProtocolError(f'The daemon gave an answer of the wrong kind: "{head.kind}".'))
        else:
            del self._pending[head.rid]
            self._outcomes[head.rid] = Reply(body, blob)
            self._flush()

    def _refused(self, rid: int, body: Error) -> None:
        pending = self._pending[rid]
        pending.sent, pending.refusals = False, pending.refusals + 1
        if pending.refusals > MAX_REFUSALS:
            self._fail(rid, error_from(body))
        elif self.welcome:
            self._greet()

    def _fail(self, rid: int, error: ImagineerError) -> None:
        del self._pending[rid]
        self._outcomes[rid] = error

    def _flush(self) -> None:
        """Send what waits, as much as the daemon takes at a time."""
        if not self.welcome:
            return
        room = self.limits.inflight - sum(pending.sent for pending in self._pending.values())
        waiting = [rid for rid, pending in self._pending.items() if not pending.sent]
        for rid in waiting[: max(room, 0)]:
            self._send(rid)

    def _send(self, rid: int) -> None:
        frames = protocol.encode(self._pending[rid].request, rid=rid)
        if len(frames[1]) > self.limits.body:
            sizes = f"{len(frames[1])} bytes and the daemon takes {self.limits.body}"
            self._fail(rid, TooLarge(f"The request has {sizes}: make it shorter."))
        else:
            self._pending[rid].sent = True
            self.outgoing.append(frames)


def error_from(body: Error) -> ImagineerError:
    """Return the error that a daemon's `err` stands for, of the class that its code names."""
    cls = _CLASSES.get(body.code, ImagineerError)
    error = cls(message=body.message, field=body.field, problems=body.problems)
    error.retry = body.retry
    return error


def reply_of(request: type[Request[Any]]) -> type[Body]:
    """Return the type that answers a request: the `R` of `Request[R]`."""
    reply: type[Body] = request.__orig_bases__[0].__args__[0]  # type: ignore[attr-defined]
    return reply
