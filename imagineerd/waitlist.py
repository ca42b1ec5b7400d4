"""What waits, kept so that choosing costs the same however long it is: `next_batch` sorts all that it is shown.

Jobs of one group and priority stand on one shelf, oldest first; those whose worker died stand apart, since each of
them runs alone. Who is next stands at the front of a shelf, and who may join it right behind.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from imagineerd.jobs import steps_of
from imagineerd.scheduler import Batch, Waiting, next_batch


class Waitlist:
    """The waiting jobs of a lane; `steps` is how many sampler steps they take together."""

    def __init__(self) -> None:
        self.steps = 0
        self._entries: dict[int, Waiting] = {}
        self._shelves: dict[tuple[int, str, bool], list[int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: Iterable[Waiting]) -> None:
        """Take in jobs; what is said of a job that waits already takes the place of what was known."""
        for entry in entries:
            if self._entries.get(entry.job) != entry:
                self.drop(entry.job)
                self._entries[entry.job] = entry
                insort(self._shelves.setdefault(_shelf(entry), []), entry.job)
                self.steps += steps_of(entry.group)

    def drop(self, job: int) -> None:
        """Forget a job, if it waits."""
        entry = self._entries.pop(job, None)
        if entry is None:
            return
        jobs = self._shelves[_shelf(entry)]
        del jobs[bisect_left(jobs, job)]
        if not jobs:
            del self._shelves[_shelf(entry)]
        self.steps -= steps_of(entry.group)

    def next(self, sizes: Sequence[int]) -> Batch | None:
        """Choose as `next_batch` does from all that waits."""
        if not self._shelves:
            return None
        _, jobs = min(self._shelves.items(), key=lambda shelf: (-shelf[0][0], shelf[1][0]))
        return next_batch((self._entries[job] for job in jobs[: sizes[-1]]), sizes)


def _shelf(entry: Waiting) -> tuple[int, str, bool]:
    return entry.priority, entry.group, entry.attempts > 0
