"""What is written to standard error meanwhile: compilers say there, in a thread of their own, why they gave up."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import TextIO


class _Both(io.StringIO):
    """Keeps what is written, and passes it on."""

    def __init__(self, beyond: TextIO) -> None:
        super().__init__()
        self._beyond = beyond

    def write(self, text: str) -> int:
        self._beyond.write(text)
        return super().write(text)


@contextlib.contextmanager
def heard() -> Iterator[io.StringIO]:
    """Keep what Python writes to standard error, which is still shown."""
    both = _Both(sys.stderr)
    with contextlib.redirect_stderr(both):
        yield both


def last_error(text: str) -> str:
    """Return what the last traceback in a text ends with: the lines behind its last frame."""
    lines = text.partition("Traceback (most recent call last):")[2].splitlines()
    last = max((number for number, line in enumerate(lines) if line.startswith("  File ")), default=0)
    said = [line for line in lines[last + 1 :] if line and not line.startswith(" ")]
    return " ".join(said)
