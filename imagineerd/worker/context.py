"""What a job kind may use: the device, the models, and the way to the daemon."""

from __future__ import annotations

from pathlib import Path

from imagineerd import link
from imagineerd.worker.devices import Device, memory_used
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import Library
from imagineerd.worker.open_orders import OpenOrders
from imagineerd.worker.tuning import Tuning


class Context:
    """One per worker."""

    def __init__(self, mailbox: Mailbox, configure: link.Configure, device: Device, library: Library) -> None:
        self.mailbox = mailbox
        self.configure = configure
        self.device = device
        self.library = library
        self.orders = OpenOrders(mailbox, lambda: memory_used(device))
        self.tuning = Tuning(device, Path(configure.keep) / "tuning" if configure.keep else None)

    def unload(self) -> None:
        """Give back the memory of every model."""
        self.library.keep(0)
        self.mailbox.send(link.Unloaded(memory_used(self.device)))
