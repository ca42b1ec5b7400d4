"""Files are written beside the next order, and a job is answered for when its own are durable."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from imagineerd import link
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.open_orders import OpenOrders, writers_for

WAIT_S = 60
FINISHED = link.Finished(1, 1, "1.png", 7, 64, 96, 1000, "ab" * 32, "#102030", 1.5)


class Desk:
    """Orders whose reports can be read back."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(WAIT_S)
        self.orders = OpenOrders(Mailbox(theirs), lambda: 7)

    def told(self) -> link.Report:
        """Return the next report."""
        header = self._ours.recv(4, socket.MSG_WAITALL)
        return link.decode_report(self._ours.recv(link.length_of(header), socket.MSG_WAITALL))

    def silent(self) -> bool:
        """Say whether nothing more was reported."""
        return not select.select([self._ours], [], [], 0)[0]


class Disk:
    """A slow disk: a write ends when it is let go."""

    def __init__(self) -> None:
        self.is_ready = threading.Event()

    def write(self, report: link.Finished) -> link.Finished:
        assert self.is_ready.wait(WAIT_S)
        return report


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.orders.finish()


@pytest.fixture
def render(spec: Any) -> Any:
    def make(number: int, *jobs: int) -> link.Render:
        items = tuple(link.Item(job, 1, "b", job, spec(), f"/nowhere/{job}") for job in jobs)
        return link.Render(items, link.ModelSource("tiny"), len(jobs), order=number)

    return make


def test_the_next_order_is_taken_while_files_are_written_and_no_job_is_finished_before_its_own(
    desk: Desk, render: Any
) -> None:
    disk, first, second = Disk(), render(1, 1), render(2, 2)
    order = desk.orders.begin(first)
    order.write(first.items[0], lambda: disk.write(FINISHED))
    desk.orders.end(order)
    drawn = desk.told()
    desk.orders.begin(second)

    assert drawn == link.Drawn(1, 7)
    assert desk.silent()
    disk.is_ready.set()
    assert desk.told() == FINISHED
    done = desk.told()
    assert isinstance(done, link.OrderDone)
    assert (done.order, done.memory_used) == (1, 7)


def test_an_order_is_not_drawn_before_the_one_before_it_is_closed(desk: Desk, render: Any) -> None:
    disk, first = Disk(), render(1, 1)
    order = desk.orders.begin(first)
    order.write(first.items[0], lambda: disk.write(FINISHED))
    desk.orders.end(order)
    following = desk.orders.begin(render(2, 2))
    following.answer(link.Stopped(2, 1))
    ending = threading.Thread(target=desk.orders.end, args=(following,))
    ending.start()
    before = [desk.told(), desk.told()]

    assert before == [link.Drawn(1, 7), link.Stopped(2, 1)]
    assert desk.silent()
    disk.is_ready.set()
    ending.join()
    finished, done, drawn, last = (desk.told() for _ in range(4))
    assert (finished, drawn) == (FINISHED, link.Drawn(2, 7))
    assert [report.order for report in (done, last) if isinstance(report, link.OrderDone)] == [1, 2]


def test_what_fails_an_order_does_not_fail_the_picture_that_is_being_written(desk: Desk, render: Any) -> None:
    disk, both = Disk(), render(1, 1, 2)
    order = desk.orders.begin(both)
    order.write(both.items[0], lambda: disk.write(FINISHED))
    order.fail("E_OOM", "The device ran out of memory.")
    desk.orders.end(order)
    disk.is_ready.set()
    told = [desk.told() for _ in range(4)]

    assert told[1:3] == [FINISHED, link.Failed(2, 1, "E_OOM", "The device ran out of memory.")]


def test_a_job_is_answered_for_once(desk: Desk, render: Any) -> None:
    order = desk.orders.begin(render(1, 1))
    order.answer(link.Stopped(1, 1))
    order.answer(FINISHED)
    desk.orders.end(order)

    assert [type(desk.told()).__name__ for _ in range(3)] == ["Stopped", "Drawn", "OrderDone"]


def test_a_disk_that_fails_costs_its_own_job_alone(desk: Desk, render: Any) -> None:
    both = render(1, 1, 2)
    order = desk.orders.begin(both)

    def fail() -> link.Finished:
        raise OSError(28, "No space left on device", "/nowhere/2.png")

    order.write(both.items[1], fail)
    order.write(both.items[0], lambda: FINISHED)
    desk.orders.end(order)
    desk.orders.finish()
    told = [desk.told() for _ in range(4)]
    (failed,) = [report for report in told if isinstance(report, link.Failed)]

    assert (failed.job, failed.code) == (2, "E_DISK")
    assert FINISHED in told


def test_one_order_cancelled_says_nothing_of_the_next_attempt(desk: Desk, render: Any) -> None:
    """The same job may be in both orders that are open: stopped in the first, drawn in the second."""
    disk, first = Disk(), render(1, 1, 2)
    order = desk.orders.begin(first)
    order.write(first.items[1], lambda: disk.write(FINISHED))
    order.answer(link.Stopped(1, 1))
    desk.orders.end(order)
    again = desk.orders.begin(render(2, 1))
    again.answer(FINISHED)
    told = [desk.told() for _ in range(3)]
    disk.is_ready.set()

    assert [type(report).__name__ for report in told] == ["Stopped", "Drawn", "Finished"]


@pytest.mark.parametrize(("cores", "writers"), [(1, 2), (2, 2), (8, 4), (16, 8), (128, 8)])
def test_the_more_cores_the_more_files_are_written_at_a_time(cores: int, writers: int) -> None:
    assert writers_for(cores) == writers
