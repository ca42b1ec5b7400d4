"""What waits, kept so that choosing costs the same however long it is: `next_batch` sorts all that it is shown.

Jobs of one group and priority stand on one shelf, in the order of the queue; those whose worker died stand apart, since
each of them runs alone. Who leads the next call stands at the front of a shelf, and who may join it right behind.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from imagineerd.jobs import steps_of
from imagineerd.scheduler import UNKNOWN, Batch, Setup, Waiting, due, lead, next_batch, passed_over

Key: TypeAlias = tuple[int, int, float, int]
Shelf: TypeAlias = tuple[int, str, bool]


class Waitlist:
    """The waiting jobs of a lane; `steps` is how many sampler steps they take together."""

    def __init__(self) -> None:
        self.steps = 0
        self._entries: dict[int, Waiting] = {}
        self._shelves: dict[Shelf, list[Key]] = {}
        self._passed: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, job: int) -> bool:
        return job in self._entries

    def add(self, entries: Iterable[Waiting]) -> None:
        """Take in jobs; what is said of a job that waits already takes the place of what was known."""
        for entry in entries:
            if self._entries.get(entry.job) != entry:
                self.drop(entry.job)
                self._entries[entry.job] = entry
                insort(self._shelves.setdefault(_shelf(entry), []), entry.key)
                self.steps += steps_of(entry.group)

    def drop(self, job: int) -> None:
        """Forget a job, if it waits."""
        entry = self._entries.pop(job, None)
        if entry is None:
            return
        keys = self._shelves[_shelf(entry)]
        del keys[bisect_left(keys, entry.key)]
        if not keys:
            del self._shelves[_shelf(entry)]
        self.steps -= steps_of(entry.group)

    def next(self, sizes: Sequence[int], setup: Setup = UNKNOWN, free: int = 1) -> Batch | None:
        """Choose as `next_batch` does from all that waits, and note which priorities that passes over."""
        if not self._shelves:
            return None
        levels = {shelf[0] for shelf in self._shelves}
        level = due(levels, self._passed)
        self._passed = passed_over(levels, level, self._passed)
        fronts = [self._entries[keys[0][-1]] for shelf, keys in self._shelves.items() if shelf[0] == level]
        shelf = self._shelves[_shelf(lead(fronts, sizes, setup))]
        return next_batch((self._entries[job] for *_, job in shelf[: sizes[-1] * free]), sizes, setup=setup, free=free)


def _shelf(entry: Waiting) -> Shelf:
    return entry.priority, entry.group, entry.attempts > 0
