"""Closing a connection from our side, for which libzmq has no call.

A ROUTER may let a newcomer take over the routing id of a connection, and drops that one then (`ZMQ_ROUTER_HANDOVER`,
zmq_setsockopt(3)). So a socket of our own comes with the id of who is to go, and leaves again. What is left of the
connection is read no further once something comes on it: it misses its heartbeats then, and libzmq closes it. One that
stays silent stays open, and is cut off.
"""

from __future__ import annotations

import itertools
from typing import Final

import zmq

_doors: Final = itertools.count()


class Door:
    """Where connections of a ROUTER are shown out. Make it before the socket listens for others."""

    def __init__(self, sock: zmq.Socket[bytes]) -> None:
        self._sock = sock
        self._address = f"inproc://door-{next(_doors)}"
        sock.bind(self._address)

    def show_out(self, client: bytes) -> None:
        """Drop the connection with that routing id: what was sent to it still goes out, and nothing comes in."""
        bailiff = self._sock.context.socket(zmq.DEALER)
        bailiff.setsockopt(zmq.LINGER, 0)
        bailiff.setsockopt(zmq.ROUTING_ID, client)
        # Only for as long as it takes to let ours in: otherwise any client could take the id of another.
        self._sock.setsockopt(zmq.ROUTER_HANDOVER, 1)
        try:
            bailiff.connect(self._address)
            self._sock.getsockopt(zmq.EVENTS)
        finally:
            self._sock.setsockopt(zmq.ROUTER_HANDOVER, 0)
            bailiff.close()
