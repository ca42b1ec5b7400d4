"""The orders in a worker's hands: each job is answered for once, and files are written beside the next order.

An order is drawn, then closed. While the last pictures of one are encoded and synced in threads, the next one is drawn;
a third waits until the first is closed, so that pictures do not pile up in memory. A job counts as finished when its
files are durable, never earlier. Where a thread finds the device lost, the process ends, and what has no answer yet
goes back to the queue.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from imagineerd import link
from imagineerd.errors import Code
from imagineerd.worker.failures import explain, is_device_lost, leave_without_device
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.spans import Span

FEWEST_WRITERS, MOST_WRITERS = 2, 8
"""Threads that write takes: half of the cores, within these bounds.

A core takes about as long to encode a picture as a GPU to decode it (zlib lets go of the GIL), and the pictures of the
last call are waited for.
"""
Answer = link.Finished | link.Failed | link.Stopped


def writers_for(cores: int) -> int:
    """Return how many threads write takes."""
    return max(FEWEST_WRITERS, min(cores // 2, MOST_WRITERS))


class OpenOrder:
    """One order. `answer` counts: each of its jobs is answered for at most once. `mixing` is the change of the mix that
    it began with, None where it had the loaded one; `call_seconds` what its calls would take at each fixed size.
    """

    def __init__(self, render: link.Render, mailbox: Mailbox, writers: ThreadPoolExecutor) -> None:
        self.render = render
        self.mixing: Span | None = None
        self.call_seconds: dict[int, float] = {}
        self._mailbox = mailbox
        self._writers = writers
        self._open = {item.job: item for item in render.items}
        self._writes: list[Future[None]] = []
        self._failure: tuple[Code, str] | None = None
        self._started = time.monotonic()

    def answer(self, report: Answer) -> None:
        """Answer for one job; a second answer for the same job is dropped."""
        if self._open.pop(report.job, None) is not None:
            self._mailbox.send(report)

    def cancelled(self, job: int) -> bool:
        """Say whether this job is to stop."""
        return self._mailbox.cancelled(job)

    def stop_if_cancelled(self, item: link.Item) -> bool:
        """Answer for a job that was cancelled; say whether it was."""
        if not self.cancelled(item.job):
            return False
        self.answer(link.Stopped(item.job, item.attempt))
        return True

    def write(self, item: link.Item, work: Callable[[], link.Finished]) -> None:
        """Have a thread do the work that ends a job, and answer for it; its trouble is this job's alone."""
        self._writes.append(self._writers.submit(self._write, item, work))

    def fail(self, code: Code, message: str) -> None:
        """Let every job fail that has no answer once all is written."""
        self._failure = code, message

    def close(self, memory_used: Callable[[], int]) -> None:
        """Wait for the files, answer for what is left, and say so."""
        for write in self._writes:
            write.result()
        if self._failure is not None:
            for item in list(self._open.values()):
                self.answer(link.Failed(item.job, item.attempt, *self._failure))
        seconds = time.monotonic() - self._started
        self._mailbox.send(link.OrderDone(seconds, memory_used(), self.render.order))

    def _write(self, item: link.Item, work: Callable[[], link.Finished]) -> None:
        try:
            self.answer(work())
        except Exception as error:  # noqa: BLE001 - one picture's trouble is not the next one's
            if is_device_lost(error):  # CUDA tells late: it may be here that it is waited for first
                leave_without_device()
            self.answer(link.Failed(item.job, item.attempt, *explain(error)))


class OpenOrders:
    """Begins orders and closes them, one after the other, in a thread of its own."""

    def __init__(self, mailbox: Mailbox, memory_used: Callable[[], int]) -> None:
        self._mailbox = mailbox
        self._memory_used = memory_used
        self._writers = ThreadPoolExecutor(writers_for(os.cpu_count() or 1), thread_name_prefix="write")
        self._closing: threading.Thread | None = None

    def begin(self, render: link.Render) -> OpenOrder:
        """Take up an order: all its jobs are open."""
        return OpenOrder(render, self._mailbox, self._writers)

    def end(self, order: OpenOrder) -> None:
        """Say that the order is drawn, and have it closed; at most one is being closed."""
        self.finish()
        mix_seconds = order.mixing.seconds() if order.mixing else 0.0
        self._mailbox.send(link.Drawn(order.render.order, self._memory_used(), mix_seconds, order.call_seconds))
        self._closing = threading.Thread(target=order.close, args=(self._memory_used,), name="close")
        self._closing.start()

    def finish(self) -> None:
        """Wait until every order that was drawn is closed."""
        if self._closing is not None:
            self._closing.join()
            self._closing = None
