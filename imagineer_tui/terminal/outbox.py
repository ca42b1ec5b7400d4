"""Everything that is written to the terminal, in one thread: nobody else ever waits for a slow line."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

SLICE: Final = 4096
"""Bytes that are written at once; a pseudo-terminal holds about as many."""
CONGESTED: Final = 16 * 1024
"""Waiting bytes from which nothing new should be painted: 80 ms at 200 kB/s."""
ABORT: Final = b"\x18\x1b\\"
"""CAN ends a control sequence that was cut, ST a string."""


class Outbox:
    """A file for Textual to write to that takes everything at once.

    `on_congested` and `on_drained` are called, in turn, when too much waits and when all of it is
    out; in whichever thread finds out. A terminal that is gone swallows what is written.
    """

    def __init__(self, fd: int, on_congested: Callable[[], object], on_drained: Callable[[], object]) -> None:
        self._fd = fd
        self._on_congested = on_congested
        self._on_drained = on_drained
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._written = 0
        self._congested = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_on, name="outbox", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return self._bytes

    @property
    def written(self) -> int:
        """Bytes that the terminal has taken."""
        return self._written

    def fileno(self) -> int:
        """Return the terminal's file descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Say whether this is a terminal."""
        return os.isatty(self._fd)

    def write(self, text: str) -> int:
        """Take a text."""
        data = text.encode(errors="replace")
        with self._changed:
            if self._closed:
                return len(text)
            self._waiting.extend(data[start : start + SLICE] for start in range(0, len(data), SLICE))
            self._bytes += len(data)
            newly = self._bytes > CONGESTED and not self._congested
            self._congested |= newly
            self._changed.notify_all()
        if newly:
            self._on_congested()
        return len(text)

    def flush(self) -> None:
        """Return at once: the thread writes as fast as it can."""

    def drop(self) -> None:
        """Forget what waits, so that what is written next is not behind it."""
        with self._changed:
            if self._waiting:
                self._waiting.clear()
                self._waiting.append(ABORT)
                self._bytes = len(ABORT)

    def close(self, patience: float) -> None:
        """Write what waits, for at most so many seconds; take nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(patience)

    def _write_on(self) -> None:
        while (data := self._next()) is not None:
            try:
                while data:
                    count = os.write(self._fd, data)
                    data = data[count:]
                    self._count(count)
            except OSError:
                self._give_up()
                return

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    def _count(self, count: int) -> None:
        with self._changed:
            self._written += count
            self._bytes = max(self._bytes - count, 0)
            drained = self._congested and not self._bytes
            self._congested &= not drained
        if drained:
            self._on_drained()

    def _give_up(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._bytes = 0
            congested, self._congested = self._congested, False
        if congested:
            self._on_drained()
