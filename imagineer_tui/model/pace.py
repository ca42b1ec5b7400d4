"""How fast the daemon draws, measured by the steps that it tells of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 20.0
"""Seconds that are looked back on: long enough for a call of several cards with its decoding."""
LEAST_S: Final = 1.0
"""Seconds after which something can be said."""


@dataclass
class Pace:
    """Steps of all cards together; times are monotonic seconds."""

    _taken: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, steps: int, now: float) -> None:
        """So many steps were taken since the last time."""
        self._taken.append((now, steps))
        while self._taken[0][0] < now - WINDOW_S:
            self._taken.popleft()

    def stop(self) -> None:
        """Nothing is drawn: what was measured says nothing of what comes."""
        self._taken.clear()

    def rate(self, now: float) -> float:
        """Return steps a second, 0 while unknown."""
        if not self._taken or now - self._taken[0][0] < LEAST_S:
            return 0.0
        # What was taken before the first note is not in the window's time.
        return sum(steps for _, steps in list(self._taken)[1:]) / (now - self._taken[0][0])
