"""What a job kind may use: the device, the models, and the way to answer for each job of its order."""

from __future__ import annotations

import time

from imagineerd import link
from imagineerd.errors import Code
from imagineerd.worker.devices import Device, memory_used
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import Library


class Context:
    """One per worker. `answer` counts: each job of the order is answered for exactly once."""

    def __init__(self, mailbox: Mailbox, configure: link.Configure, device: Device, library: Library) -> None:
        self.mailbox = mailbox
        self.configure = configure
        self.device = device
        self.library = library
        self._open: dict[int, link.Item] = {}
        self._started = 0.0

    def begin(self, order: link.Render) -> None:
        """Take up an order: all its jobs are open."""
        self._open = {item.job: item for item in order.items}
        self._started = time.monotonic()

    def answer(self, report: link.Finished | link.Failed | link.Stopped) -> None:
        """Answer for one job; a second answer for the same job is dropped."""
        if self._open.pop(report.job, None) is not None:
            self.mailbox.send(report)

    def cancelled(self, job: int) -> bool:
        """Say whether this job is to stop."""
        return self.mailbox.cancelled(job)

    def stop_if_cancelled(self, item: link.Item) -> bool:
        """Answer for a job that was cancelled; say whether it was."""
        if not self.cancelled(item.job):
            return False
        self.answer(link.Stopped(item.job, item.attempt))
        return True

    def fail_open(self, code: Code, message: str) -> None:
        """Answer for every job that is still open."""
        for item in list(self._open.values()):
            self.answer(link.Failed(item.job, item.attempt, code, message))

    def unload(self) -> None:
        """Give back the memory of every model."""
        self.library.keep(0)
        self.mailbox.send(link.Unloaded(memory_used(self.device)))

    def end(self) -> None:
        """Close the order."""
        seconds = time.monotonic() - self._started
        self.mailbox.send(link.OrderDone(seconds, memory_used(self.device)))
