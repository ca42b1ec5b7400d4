"""The gate to the network: libzmq asks it about every connection to a TCP address (ZAP, rfc.zeromq.org/spec/27).

It fails closed. A connection is let in by status 200 alone; whatever goes wrong in here is a refusal; and while nobody
answers, libzmq lets nobody in (`ZAP_ENFORCE_DOMAIN`) and gives the connection up after `HANDSHAKE_MS`.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Final

import zmq
from zmq.utils import z85

from imagineerd.logs import Seldom, pairs
from imagineerd.network.access import Access

log = logging.getLogger("imagineerd.network")

ZAP: Final = "inproc://zeromq.zap.01"
DOMAIN: Final = b"imagineer"
HANDSHAKE_MS: Final = 3000
"""Milliseconds that a connection may take until it is let in."""
HEARTBEAT_MS: Final = 5000
"""Between two pings of a connection; one that answers none for three times as long is gone."""
REFRESH_S: Final = 1.0
"""Seconds between two looks at the authorized keys: the longest that a revoked key is served."""

TURNED_AWAY: Final = {
    zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: "A client without CURVE was refused.",
    zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: "A client that takes another key for the daemon's was refused.",
}
EVENT: Final = struct.Struct("=HI")
"""How a monitor tells an event and its value (zmq_socket_monitor(3))."""

_FRAMES: Final = 9
"""Routing id, delimiter, version, request id, domain, address, identity, mechanism, public key."""


def open_to(sock: zmq.Socket[bytes], address: str, secret: str) -> None:
    """Let a socket listen on a TCP address, too, for who has an authorized key; call it last.

    libzmq uses an option for what is bound or connected after it is set (zmq_setsockopt(3)), so that what the socket
    is bound to already stays as it is. Raises `zmq.ZMQError`.
    """
    sock.setsockopt(zmq.USE_FD, -1)
    sock.setsockopt(zmq.CURVE_SERVER, 1)
    sock.setsockopt(zmq.CURVE_SECRETKEY, secret.encode())
    sock.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    sock.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    sock.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    sock.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * HEARTBEAT_MS)
    sock.setsockopt(zmq.IPV6, int("[" in address))
    sock.bind(address)


class Gate:
    """Answers libzmq's questions. There is one for each context."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], access: Access) -> None:
        self._access = access
        self._refusals = Seldom(log)
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(ZAP)
        self._monitors: list[zmq.Socket[bytes]] = []
        access.refresh()

    def guard(self, sock: zmq.Socket[bytes]) -> None:
        """Log whom a socket turns away before the gate is asked; call it before `serve`."""
        self._monitors.append(sock.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL))

    async def serve(self) -> None:
        """Answer for ever."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        descriptors = [sock.fileno() for sock in (self._socket, *self._monitors)]
        for descriptor in descriptors:
            loop.add_reader(descriptor, readable.set)
        readable.set()
        try:
            while True:
                await readable.wait()
                readable.clear()
                self._drain(self._socket, self._answer)
                for monitor in self._monitors:
                    self._drain(monitor, self._turned_away)
        finally:
            for descriptor in descriptors:
                loop.remove_reader(descriptor)

    async def watch(self) -> None:
        """Look at the authorized keys for ever."""
        while True:
            await asyncio.sleep(REFRESH_S)
            self._access.refresh()

    def close(self) -> None:
        """Let nobody in any more."""
        for sock in (self._socket, *self._monitors):
            sock.close(0)

    def _drain(self, sock: zmq.Socket[bytes], take: Callable[[list[bytes]], None]) -> None:
        while True:
            try:
                frames = sock.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            take(frames)

    def _turned_away(self, frames: list[bytes]) -> None:
        _, why = EVENT.unpack(frames[0])
        self._refusals.warning(TURNED_AWAY.get(why, "A connection that speaks no CURVE was refused."))

    def _answer(self, frames: Sequence[bytes]) -> None:
        user = self._guarded(frames)
        status, text = (b"200", b"") if user else (b"400", b"No authorized key")
        # A question that is too short to be answered is none of libzmq's: it has no request id.
        self._socket.send_multipart([*frames[:2], b"1.0", *frames[3:4], status, text, user, b""], zmq.NOBLOCK)

    def _guarded(self, frames: Sequence[bytes]) -> bytes:
        try:
            return self._judge(frames)
        except Exception:
            log.exception("A connection was refused because of a fault of ours.")
            return b""

    def _judge(self, frames: Sequence[bytes]) -> bytes:
        """Return the public key of one who may come in, else nothing."""
        _, _, version, _, domain, address, _, mechanism, *credentials = frames
        if (len(frames), version, domain, mechanism) != (_FRAMES, b"1.0", DOMAIN, b"CURVE"):
            self._refuse("A connection without a key was refused.", address)
            return b""
        key = z85.encode(credentials[0])
        self._access.refresh()  # one may have been authorized or revoked just now
        known = self._access.knows(key.decode())
        if known is None:
            self._refuse("A key that is not authorized was refused.", address, key=key.decode())
            return b""
        log.info("A client came in.", extra=pairs(key=known.name, role=known.role, address=address.decode()))
        return key

    def _refuse(self, sentence: str, address: bytes, **values: str) -> None:
        self._refusals.warning(sentence, address=address.decode(errors="replace"), **values)
