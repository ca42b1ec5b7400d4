"""The worker's end of the link: a thread that reads orders and sets flags, and a lock around sending.

The thread that draws never touches the socket to read: it asks `cancelled(job)` between two steps. End of file means
the daemon is gone, and the process ends at once, wherever it is.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import traceback

from imagineerd import link

BAD_ORDER = 65
"""Exit status (EX_DATAERR) where the daemon sent something that is no order."""


class Mailbox:
    """Orders in, reports out. Everything but `receive` may be called from any thread.

    When the daemon is gone the process ends at once, unless it `clears_up`: then that counts as a `Quit`.
    """

    def __init__(self, sock: socket.socket, *, clears_up: bool = False) -> None:
        self._sock = sock
        self._clears_up = clears_up
        self._sending = threading.Lock()
        self._orders: queue.SimpleQueue[link.Order] = queue.SimpleQueue()
        self._cancelled: frozenset[int] = frozenset()
        self._leaving = False
        self.watch = link.Watch()
        """What previews are wanted of, as last said."""

    def start(self) -> None:
        """Begin to read orders."""
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def receive(self) -> link.Order:
        """Wait for the next order that is not a mere flag."""
        return self._orders.get()

    def send(self, report: link.Message) -> None:
        """Send a report; if nobody is there to read it, the daemon is gone."""
        with self._sending:
            try:
                self._sock.sendall(link.frame(report))
            except OSError:
                self._leave()

    def cancelled(self, job: int) -> bool:
        """Say whether this job is to stop."""
        return self._leaving or job in self._cancelled

    def _read(self) -> None:
        try:
            while order := link.read_order(self._sock):
                self._take(order)
        except ConnectionError:
            pass
        except Exception:  # noqa: BLE001 - whatever it is, nobody can give orders any more
            traceback.print_exc()
            os._exit(BAD_ORDER)
        self._leave()

    def _leave(self) -> None:
        if not self._clears_up:
            os._exit(0)
        self._take(link.Quit())

    def _take(self, order: link.Order) -> None:
        match order:
            case link.Cancel(jobs=jobs):
                self._cancelled |= set(jobs)
                return
            case link.Watch():
                self.watch = order
                return
            case link.Render(items=items):
                # A Cancel that came before this order was meant for an earlier attempt of the same job.
                self._cancelled -= {item.job for item in items}
            case link.Label(job=job):
                self._cancelled -= {job}
            case link.Quit():
                self._leaving = True
        self._orders.put(order)
