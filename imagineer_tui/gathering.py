"""Gather what changed, and tell it in one go: a daemon may say in a moment what nobody can see so fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from imagineer_tui.model.world import Topic

SOON_S: Final = 0.03
PROGRESS_S: Final = 0.2
"""Seconds until changes are told; progress alone is told five times a second."""
STREAMS: Final[frozenset[Topic]] = frozenset({"progress", "building"})
"""What changes many times a second, so that nobody has to see every change."""


class Gathering:
    """`later` calls a function after so many seconds, `tell` gets each topic once."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object], tell: Callable[[Topic], None]) -> None:
        self._later = later
        self._tell = tell
        self._topics: set[Topic] = set()
        self._waiting: set[float] = set()

    def add(self, topics: frozenset[Topic]) -> None:
        """These changed; they are told soon, together with what else changes until then."""
        self._topics |= topics
        wait = PROGRESS_S if self._topics <= STREAMS else SOON_S
        if wait not in self._waiting:
            self._waiting.add(wait)
            self._later(wait, lambda: self._tell_all(wait))

    def _tell_all(self, wait: float) -> None:
        self._waiting.discard(wait)
        topics, self._topics = self._topics, set()
        for topic in sorted(topics):
            self._tell(topic)
