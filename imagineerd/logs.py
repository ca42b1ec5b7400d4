"""Logs for a person and for a machine: one line, a sentence, then `key=value` pairs.

Under systemd the journal stamps the time and reads the priority from the `<n>` prefix (sd-daemon(3)); elsewhere the
line carries both itself.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

SELDOM_S: Final = 10.0
_PRIORITY = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


def pairs(**values: Any) -> dict[str, Any]:
    """Return the `extra` of a log call: `log.info("Batch accepted.", extra=pairs(batch=id, jobs=54))`."""
    return {"pairs": values}


class Seldom:
    """Logs what strangers can cause: each sentence once in `SELDOM_S` seconds, with how many were left out before."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warning(self, sentence: str, **values: Any) -> None:
        """Log a warning, or count it."""
        now = self._clock()
        if now - self._last.get(sentence, float("-inf")) < SELDOM_S:
            self._left_out[sentence] = self._left_out.get(sentence, 0) + 1
            return
        self._last[sentence] = now
        left_out = self._left_out.pop(sentence, 0)
        self._log.warning(sentence, extra=pairs(**values, **({"left_out": left_out} if left_out else {})))


class LineFormatter(logging.Formatter):
    """`sentence key=value …`, values quoted where they hold blanks."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line (a traceback follows on its own lines)."""
        line = super().format(record)
        values: Mapping[str, Any] = getattr(record, "pairs", {})
        tail = " ".join(f"{key}={_quoted(value)}" for key, value in values.items())
        head, newline, rest = line.partition("\n")
        return f"{head} {tail}{newline}{rest}" if tail else line


class JournalFormatter(LineFormatter):
    """The same with the priority that the journal reads."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line with its `<n>` prefix."""
        return f"<{_PRIORITY.get(record.levelno, 6)}>{super().format(record)}"


def configure(level: str) -> None:
    """Send all logs to standard error, at `level` (`debug`, `info`, `warning`, `error`) and above."""
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _quoted(value: Any) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or not c.isprintable() or c in '"=' for c in text) else text
