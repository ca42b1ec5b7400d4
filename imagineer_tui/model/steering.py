"""Where in the queue jobs stand, and where they stand after a move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from imagineer_tui.model.queue import groups, waiting
from imagineer_tui.model.world import World

End: TypeAlias = Literal["top", "bottom"]


@dataclass(frozen=True)
class Place:
    """Jobs, and where they go: to an end of the queue, or right before a job."""

    jobs: tuple[int, ...]
    end: End | None = None
    before: int | None = None


def up(world: World, jobs: tuple[int, ...]) -> Place | None:
    """Return the place before what stands before these jobs; None where nothing does."""
    order = _order(world, jobs)
    at = _index(order, jobs[0])
    return Place(jobs, before=order[at - 1][0]) if at else None


def down(world: World, jobs: tuple[int, ...]) -> Place | None:
    """Return the place behind what stands behind these jobs; None where nothing does."""
    order = _order(world, jobs)
    at = _index(order, jobs[0])
    if at + 1 == len(order):
        return None
    return Place(jobs, before=order[at + 2][0]) if at + 2 < len(order) else Place(jobs, end="bottom")


def where_it_stands(world: World, jobs: tuple[int, ...]) -> Place:
    """Return the place that these jobs have now."""
    order = [job.id for job in waiting(world)]
    behind = [number for number in order[order.index(jobs[-1]) + 1 :] if number not in jobs]
    return Place(jobs, before=behind[0]) if behind else Place(jobs, end="bottom")


def _order(world: World, jobs: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return what waits as blocks that move as one: single jobs beside a single job, else batches."""
    found = waiting(world)
    if len(jobs) == 1:
        return [(job.id,) for job in found]
    return [tuple(job.id for job in group.jobs) for group in groups(found)]


def _index(order: list[tuple[int, ...]], job: int) -> int:
    return next(at for at, block in enumerate(order) if job in block)
