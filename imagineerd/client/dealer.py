"""A DEALER socket with its monitor and its session: all that can be done without waiting.

libzmq reconnects by itself and tells only its monitor; so the monitor is where a session learns that it began or
ended. `ZMQ_IMMEDIATE` keeps libzmq from queueing anything while nobody is there.

A monitor that nobody reads holds up all sockets of its context: after 2,000 notes, such as of tries to connect, the
thread of libzmq waits for room. So the notes of a line are collected also while nobody waits for it (`touch`).
"""

from __future__ import annotations

import itertools
import struct
import time
from typing import Final, Generic, NamedTuple, TypeVar

import zmq
from zmq.backend import zmq_poll

from imagineerd.client.session import Session
from imagineerd.errors import Denied, Invalid, ProtocolError

S = TypeVar("S", bound=Session)

RECONNECT_MS: Final = 50
"""Milliseconds between two tries to connect; a daemon that was restarted is found again within twice that."""
TCP_HEARTBEAT_MS: Final = 5000

_EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CONNECT_RETRIED
)
_EVENT = struct.Struct("=Hi")
_monitors = itertools.count()


class Curve(NamedTuple):
    """The keys of a connection in Z85: the daemon's public one, and our own pair."""

    server: str
    public: str
    secret: str


class Line(Generic[S]):
    """One connection to the daemon, which may come and go.

    `away_since` is the monotonic time at which the last session ended (or the line was made), None while one stands.
    `refused` says that nothing listens there, `shut_out` that what listens hung up before it was our turn to speak,
    `opened` that a session once stood; `heard_at` is the time of the last message. `where` is what to call a machine
    that is not this one.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        session: S,
        curve: Curve | None = None,
        where: str = "",
    ) -> None:
        self.endpoint = endpoint
        self.where = where
        self.session = session
        self.opened = False
        self.refused = False
        self.shut_out = False
        self.away_since: float | None = time.monotonic()
        self.heard_at = time.monotonic()
        self._noted: list[int] = []
        self._socket = _dealer(context, endpoint, curve)
        self._monitor = _monitor(context, self._socket)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise Invalid(message=f"{endpoint} cannot be an address of imagineerd ({error}).") from None

    @property
    def descriptors(self) -> tuple[int, int]:
        """Become readable when something may have happened; edges, so `touch` or `turn` after each."""
        return self._socket.fileno(), self._monitor.fileno()

    def touch(self) -> None:
        """Reset the descriptors and collect what the monitor notes; acting on it, and messages, wait for `turn`."""
        self._socket.getsockopt(zmq.EVENTS)
        self._collect()

    def turn(self) -> bool:
        """Take in and send out all there is; say whether there was anything."""
        moved = False
        while self._turn_once():
            moved = True
        self._note_presence()
        return moved

    def wait(self, seconds: float) -> None:
        """Wait until something happens, `seconds` at most, and deal with it."""
        if not self.turn():
            ready = zmq.POLLIN | (zmq.POLLOUT if self.session.outgoing else 0)
            zmq_poll([(self._socket, ready), (self._monitor, zmq.POLLIN)], max(1, round(seconds * 1000)))
            self.turn()

    def close(self) -> None:
        """Close at once; what was not sent never will be."""
        if not self._socket.closed:
            self._collect()  # libzmq's thread must not wait for room in the monitor that it is to take down
            self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)

    def _turn_once(self) -> bool:
        # What the old connection brought is read before its end is acted upon, so that no answer is lost.
        self._collect()
        changes, self._noted = self._noted, []
        read = self._read()
        for event in changes:
            self._change(event)
        return self._write() or read or bool(changes)

    def _collect(self) -> None:
        """Read the monitor's notes; of equal ones in a row, one says it all."""
        while (frames := _receive(self._monitor)) is not None:
            event = _EVENT.unpack(frames[0])[0]
            if self._noted[-1:] != [event]:
                self._noted.append(event)

    def _change(self, event: int) -> None:
        self.refused = event == zmq.EVENT_CONNECT_RETRIED
        match event:
            case zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.session.connected()
            case zmq.EVENT_DISCONNECTED:
                self.session.disconnected()
            # After either of these two, libzmq does not try again.
            case zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self.session.failed(Denied(f"{self.endpoint} does not let this key in: have it authorized there."))
            case zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                self.session.failed(ProtocolError(f"What answers on {self.endpoint} speaks no CURVE, or nothing else."))
            case zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                self.shut_out = True

    def _read(self) -> bool:
        read = False
        while (frames := _receive(self._socket)) is not None:
            self.session.receive(frames)
            self.heard_at, read = time.monotonic(), True
        return read

    def _write(self) -> bool:
        written = False
        try:
            while self.session.outgoing:
                self._socket.send_multipart(self.session.outgoing[0], zmq.NOBLOCK)
                self.session.outgoing.popleft()
                written = True
        except zmq.Again:
            pass
        return written

    def _note_presence(self) -> None:
        if self.session.welcome:
            self.opened, self.away_since = True, None
        elif self.away_since is None:
            self.away_since = time.monotonic()


def _dealer(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, curve: Curve | None) -> zmq.Socket[bytes]:
    sock = context.socket(zmq.DEALER)
    sock.setsockopt(zmq.IMMEDIATE, 1)
    sock.setsockopt(zmq.LINGER, 0)
    sock.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    if endpoint.startswith("tcp://"):
        sock.setsockopt(zmq.HEARTBEAT_IVL, TCP_HEARTBEAT_MS)
        sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * TCP_HEARTBEAT_MS)
        sock.setsockopt(zmq.IPV6, 1)
    if curve is not None:
        sock.setsockopt(zmq.CURVE_SERVERKEY, curve.server.encode())
        sock.setsockopt(zmq.CURVE_PUBLICKEY, curve.public.encode())
        sock.setsockopt(zmq.CURVE_SECRETKEY, curve.secret.encode())
    return sock


def _monitor(context: zmq.Context[zmq.Socket[bytes]], sock: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    address = f"inproc://monitor-{next(_monitors)}"
    sock.monitor(address, _EVENTS)
    monitor = context.socket(zmq.PAIR)
    monitor.setsockopt(zmq.LINGER, 0)
    monitor.connect(address)
    return monitor


def _receive(sock: zmq.Socket[bytes]) -> list[bytes] | None:
    try:
        return sock.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        return None
