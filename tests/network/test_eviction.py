"""A connection is closed from our side."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
import zmq
from house import wait_until
from zmq.utils.monitor import recv_monitor_message

from imagineerd.network.eviction import Door

WAIT_MS = 20_000


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def router(context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.HEARTBEAT_IVL, 100)
    router.setsockopt(zmq.HEARTBEAT_TIMEOUT, 300)
    router.setsockopt(zmq.RCVTIMEO, WAIT_MS)
    return router


def guest(context: zmq.Context[zmq.Socket[bytes]], port: int) -> zmq.Socket[bytes]:
    """Return a client that does not come again once its connection is closed."""
    dealer = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.RECONNECT_IVL, -1)
    dealer.setsockopt(zmq.RCVTIMEO, WAIT_MS)
    dealer.connect(f"tcp://127.0.0.1:{port}")
    dealer.send(b"hello")
    return dealer


def reaches(router: zmq.Socket[bytes], address: bytes) -> bool:
    """Say whether somebody has that routing id."""
    try:
        router.send_multipart((address, b"Still there?"))
    except zmq.ZMQError as error:
        return error.errno != errno.EHOSTUNREACH
    return True


def test_who_is_shown_out_hears_the_last_word_and_is_gone(
    context: zmq.Context[zmq.Socket[bytes]], router: zmq.Socket[bytes]
) -> None:
    door = Door(router)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    dealer = guest(context, port)
    watched = dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    address, _ = router.recv_multipart()
    router.send_multipart((address, b"You are not welcome any more."))

    door.show_out(address)

    assert dealer.recv() == b"You are not welcome any more."
    wait_until(lambda: not reaches(router, address))
    dealer.send(b"I stay.")
    assert watched.poll(WAIT_MS)
    assert recv_monitor_message(watched)["event"] == zmq.EVENT_DISCONNECTED


def test_nobody_else_is_shown_out(context: zmq.Context[zmq.Socket[bytes]], router: zmq.Socket[bytes]) -> None:
    door = Door(router)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    guest(context, port)
    address, _ = router.recv_multipart()
    other = guest(context, port)
    theirs, _ = router.recv_multipart()

    door.show_out(address)

    router.send_multipart((theirs, b"Stay."))
    assert other.recv() == b"Stay."


def test_one_who_has_left_already_is_no_trouble(router: zmq.Socket[bytes]) -> None:
    Door(router).show_out(b"\0gone")
