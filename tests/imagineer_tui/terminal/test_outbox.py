"""Whoever writes never waits, and nothing is lost but what was meant to be."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from house import wait_until

from imagineer_tui.terminal.outbox import ABORT, CONGESTED, Outbox

MUCH = "x" * 1_000_000
"""Far more than a pipe holds."""


class Line:
    """A pipe that is read when it is told to."""

    def __init__(self) -> None:
        self.end, start = os.pipe()
        self.said: list[str] = []
        self.outbox = Outbox(start, lambda: self.said.append("congested"), lambda: self.said.append("drained"))
        self.start = start

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += os.read(self.end, count - len(data))
        return data


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    os.close(line.end)  # frees a thread that waits to write
    line.outbox.close(10)
    os.close(line.start)


def test_bytes_come_out_in_their_order(line: Line) -> None:
    for text in ("one", "★", MUCH):
        line.outbox.write(text)
    assert line.read(6 + len(MUCH)) == ("one★" + MUCH).encode()
    wait_until(lambda: line.outbox.backlog == 0)
    assert line.outbox.written == 6 + len(MUCH)


def test_a_line_that_takes_nothing_holds_up_nobody(line: Line) -> None:
    for _ in range(100):
        line.outbox.write(MUCH)
    assert line.outbox.backlog > 99 * len(MUCH)


def test_a_congestion_is_told_once_and_its_end_once(line: Line) -> None:
    line.outbox.write("short")
    line.read(5)
    assert line.said == []
    line.outbox.write(MUCH)
    line.outbox.write(MUCH)
    assert line.said == ["congested"]
    line.read(2 * len(MUCH))
    wait_until(lambda: line.said == ["congested", "drained"])


def test_as_much_as_a_line_takes_quickly_is_no_congestion(line: Line) -> None:
    line.outbox.write("x" * CONGESTED)
    line.read(CONGESTED)
    assert line.said == []


def test_what_is_dropped_makes_room_for_what_is_said_last(line: Line) -> None:
    line.outbox.write(MUCH)
    line.outbox.drop()
    line.outbox.write("bye")
    threading.Thread(target=line.outbox.close, args=[10]).start()
    received = b""
    while not received.endswith(ABORT + b"bye"):
        received += os.read(line.end, 65536)
    assert len(received) < len(MUCH)


def test_a_terminal_that_is_gone_swallows_everything() -> None:
    end, start = os.pipe()
    os.close(end)
    said: list[str] = []
    outbox = Outbox(start, lambda: said.append("congested"), lambda: said.append("drained"))
    outbox.write(MUCH)
    wait_until(lambda: outbox.backlog == 0)
    wait_until(lambda: said == ["congested", "drained"])
    assert outbox.write("more") == 4
    assert outbox.backlog == 0
    outbox.close(1)
    os.close(start)
