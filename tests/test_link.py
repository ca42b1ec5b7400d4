"""The private link: frames with their length before them, over a real socketpair."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import msgspec
import pytest
from decks import spec
from hypothesis import given
from hypothesis import strategies as st

from imagineerd import link

ITEM = link.Item(41, 1, "tarot_1", 1, spec(), "/pictures/tarot_1/01_the_fool")
ORDERS = [
    link.Configure(link.Hardware(device="cpu", threads=2), "/cache", offline=True),
    link.Configure(link.Hardware(), preload=link.ModelSource("starter", "/model", "r1")),
    link.Render((ITEM, ITEM), link.ModelSource("starter"), 2, (("Ink", "/loras/ink.safetensors"),), 7),
    link.Cancel((1, 2)),
    link.Quit(),
]
REPORTS = [
    link.Hello(4711),
    link.Ready("cpu", "A CPU", "float32", "2.13", (1, 4), 1, 2),
    link.Loading("starter", "fetching", 0.5),
    link.Loaded("starter", "r1", 1.5, 100),
    link.Step(1, 20, 0.5, 7),
    link.Finished(41, 1, "/pictures/01.png", 7, 64, 96, 1000, "ab" * 32, "#102030", 1.5, "r1"),
    link.Failed(41, 1, "E_OOM", "The device ran out of memory."),
    link.Stopped(41, 1),
    link.Drawn(7, 100, 0.25, {1: 0.05, 4: 0.125}),
    link.OrderDone(1.5, 100, 7),
    link.Broken("E_MODEL", "There is no CUDA device."),
]


def named(message: link.Message) -> str:
    return type(message).__name__


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a link."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("order", ORDERS, ids=named)
def test_an_order_arrives_as_it_was_sent(pair: tuple[socket.socket, socket.socket], order: link.Order) -> None:
    pair[0].sendall(link.frame(order))

    assert link.read_order(pair[1]) == order


@pytest.mark.parametrize("report", REPORTS, ids=named)
def test_a_report_arrives_as_it_was_sent(report: link.Report) -> None:
    frame = link.frame(report)

    assert link.length_of(frame[:4]) == len(frame) - 4
    assert link.decode_report(frame[4:]) == report


def test_orders_keep_their_order_and_their_borders(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].sendall(b"".join(link.frame(order) for order in ORDERS))

    assert [link.read_order(pair[1]) for _ in ORDERS] == ORDERS


@pytest.mark.parametrize("sent", [0, 2, 4, 9])
def test_the_end_of_the_link_is_no_order_wherever_it_comes(
    pair: tuple[socket.socket, socket.socket], sent: int
) -> None:
    pair[0].sendall(link.frame(link.Cancel((1, 2, 3)))[:sent])
    pair[0].close()

    assert link.read_order(pair[1]) is None


def test_a_frame_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="over the limit"):
        link.length_of(struct.pack(">I", link.MAX_FRAME + 1))


def test_an_order_is_no_report() -> None:
    with pytest.raises(msgspec.ValidationError):
        link.decode_report(link.frame(link.Quit())[4:])


@given(st.binary(max_size=200))
def test_rubbish_is_no_report_and_raises_no_other_error(body: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        link.decode_report(body)
