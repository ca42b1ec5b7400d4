"""What was drawn on Compose, and what is being drawn: the pictures of its row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from imagineer_tui.model.world import World
from imagineerd.protocol import Take


class Place(NamedTuple):
    """A picture in the row: its job, its take once there is one, and what is said of it until then."""

    job: int
    take: Take | None
    note: str


def row(batches: Iterable[str], known: Mapping[str, Sequence[Take]], world: World) -> Iterator[Place]:
    """Yield what was drawn, batch after batch; `known` are takes that were listed, newer ones are in the world."""
    for batch in batches:
        takes = {take.job: take for take in (*known.get(batch, ()), *world.landed) if take.batch == batch}
        jobs = {job.id for job in world.jobs.values() if job.batch == batch}
        yield from (Place(job, takes.get(job), _note(world, job)) for job in sorted(jobs | takes.keys()))


def _note(world: World, number: int) -> str:
    if progress := world.progress.get(number):
        return f"step {progress.step}/{progress.steps}"
    job = world.jobs.get(number)
    return job.state.value if job else ""
