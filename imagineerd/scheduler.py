"""Which jobs to draw next: a pure function of what waits. No I/O, no clock.

The policy: the highest priority first, then the oldest. The job at the head decides the group (model, mix, size, steps,
sampler: what one UNet call needs to share); the oldest others of that group and priority ride along, up to the largest
fixed batch size. Batch sizes are a few fixed ones because a picture's bits depend on them.

A job whose worker died runs alone, so that a poison job takes no innocent neighbour with it when it kills again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec


class Waiting(msgspec.Struct, frozen=True):
    """A queued job as the scheduler sees it. A lower `job` id is older; a higher `priority` goes first.

    `attempts` counts the starts that its worker did not survive.
    """

    job: int
    priority: int
    group: str
    lane: str = "gpu"
    attempts: int = 0


class Batch(msgspec.Struct, frozen=True):
    """The next UNet call: its jobs, oldest first, and the fixed batch size it runs at (`len(jobs)` or more)."""

    jobs: tuple[int, ...]
    size: int


def next_batch(waiting: Iterable[Waiting], sizes: Sequence[int]) -> Batch | None:
    """Choose the next call from the jobs of one lane, in any order; None when nothing waits.

    `sizes` are the fixed batch sizes, ascending, not empty. A short group runs at the largest size that it fills, and
    what is left over follows in smaller calls; a group below the smallest size is padded up to it.
    """
    queue = sorted(waiting, key=lambda entry: (-entry.priority, entry.job))
    if not queue:
        return None
    head = queue[0]
    mates = [head.job] if head.attempts else [entry.job for entry in queue if _may_join(entry, head)]
    size = max((size for size in sizes if size <= len(mates)), default=sizes[0])
    return Batch(tuple(mates[:size]), size)


def _may_join(entry: Waiting, head: Waiting) -> bool:
    return (entry.group, entry.priority, entry.attempts) == (head.group, head.priority, 0)
