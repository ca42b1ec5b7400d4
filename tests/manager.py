"""What a service manager hears: a notification socket (sd_notify(3)) and the datagrams that came in on it."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping

WAIT_S = 20.0
Told = dict[str, str]


class Manager:
    """Listens on a unix datagram socket, `@name` for an abstract one. A thread empties it, as it holds few."""

    def __init__(self, address: str) -> None:
        self.environ: Mapping[str, str] = {"NOTIFY_SOCKET": address}
        self._heard: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while data := self._sock.recv(4096):
            self._heard.put(dict(line.split("=", 1) for line in data.decode().splitlines()))

    def until(self, wanted: Callable[[Told], bool], seconds: float = WAIT_S) -> list[Told]:
        """Return what comes, up to and with the first datagram that is wanted; fail after the deadline."""
        told: list[Told] = []
        end = time.monotonic() + seconds
        while not told or not wanted(told[-1]):
            try:
                told.append(self._heard.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"What was waited for did not come, but {told}.") from None
        return told

    def until_quiet(self, name: str, seconds: float) -> None:
        """Wait until nothing of that name has come for so many seconds; fail where it comes on and on."""
        for _ in range(20):
            try:
                self.until(lambda told: name in told, seconds)
            except AssertionError:
                return
        raise AssertionError(f"{name} comes on and on.")

    def close(self) -> None:
        """Stop listening."""
        self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._sock.close()
