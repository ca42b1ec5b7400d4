"""The end of a log that grows."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

MOST_LINES: Final = 2000
MOST_BYTES: Final = 256 * 1024
"""Bytes of the log's end that are read when it is opened."""


class LogTail:
    """The last lines of a file, numbered from `first` on; `read` is to be called in a thread, again and again."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.first = 0
        self._at = 0
        self._rest = b""

    def read(self) -> bool:
        """Read what was written since; say whether there was anything. A file that became shorter is read anew."""
        try:
            size = self.file.stat().st_size
            if size == self._at:
                return False
            self._begin(size)
            with self.file.open("rb") as log:
                log.seek(self._at)
                data = log.read()
        except OSError:
            return False
        self._at += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self.first += max(0, len(self.lines) + len(whole) - MOST_LINES)
        self.lines.extend(line.decode(errors="replace") for line in whole)
        return True

    def _begin(self, size: int) -> None:
        if size < self._at or not self._at:
            self.lines.clear()
            self._rest = b""
            self._at = max(0, size - MOST_BYTES)


def level_of(line: str) -> str:
    """Return the level that a line of the daemon's log names, empty for what follows such a line."""
    words = line.split(maxsplit=3)
    level = words[2].rstrip(":") if len(words) > 2 else ""  # noqa: PLR2004 - date, time, level
    return level if level in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} else ""
