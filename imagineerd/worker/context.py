"""What a job kind may use: the device, the models, and the way to the daemon."""

from __future__ import annotations

from pathlib import Path

from imagineerd import link
from imagineerd.worker.devices import Device, memory_used
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import Library
from imagineerd.worker.open_orders import OpenOrders
from imagineerd.worker.tuning import Tuning


def measured_in(configure: link.Configure) -> Path | None:
    """Return the folder where measurements are kept, None for nowhere."""
    return Path(configure.keep) / "tuning" if configure.keep else None


class Context:
    """One per worker."""

    def __init__(self, mailbox: Mailbox, configure: link.Configure, device: Device, library: Library) -> None:
        self.mailbox = mailbox
        self.configure = configure
        self.device = device
        self.library = library
        self.orders = OpenOrders(mailbox, lambda: memory_used(device))
        self.tuning = Tuning(device, measured_in(configure))

    def unload(self) -> None:
        """Give back the memory of every model."""
        self.library.keep(0)
        self.mailbox.send(link.Unloaded(memory_used(self.device)))
