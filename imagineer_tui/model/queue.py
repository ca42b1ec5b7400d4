"""The queue as a person sees it: what is drawn, what waits in which order, how far a batch is, how long it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from imagineer_tui import words
from imagineer_tui.model.world import World

if TYPE_CHECKING:
    from imagineerd.jobs import Job
    from imagineerd.protocol import Batch


@dataclass(frozen=True)
class Group:
    """Waiting jobs of one batch that stand together in the queue."""

    batch: str
    jobs: tuple[Job, ...]


def running(world: World) -> list[Job]:
    """Return what is drawn now, the longest first."""
    return sorted((job for job in world.jobs.values() if job.state.value == "running"), key=lambda job: job.id)


def waiting(world: World) -> list[Job]:
    """Return what waits, in the order of the queue (`protocol`, "Order")."""
    queued = (job for job in world.jobs.values() if job.state.value == "queued")
    return sorted(queued, key=lambda job: (-job.priority, job.turn, job.rank, job.id))


def groups(jobs: Iterable[Job]) -> list[Group]:
    """Return the waiting jobs by batch, each batch where its first job stands."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.batch, []).append(job)
    return [Group(batch, tuple(jobs)) for batch, jobs in found.items()]


def of_batch(world: World, batch_id: str) -> list[Job]:
    """Return what is known of the jobs of a batch, in the order of its cards."""
    return sorted((job for job in world.jobs.values() if job.batch == batch_id), key=lambda job: (job.slot, job.id))


def open_cards(batch: Batch) -> int:
    """Return how many cards of a batch are drawn or wait, also where their jobs are not known."""
    return batch.states.get("queued", 0) + batch.states.get("running", 0)


def progress_of(world: World, batch: Batch) -> tuple[int, int]:
    """Return how many cards of a batch have ended, and how many there are; pictures where it is a single prompt."""
    still_open = sum(job.state.value in {"queued", "running"} and draws(job) for job in of_batch(world, batch.id))
    if not batch.set:
        return batch.takes, batch.takes + still_open
    total = sum(batch.states.values()) or batch.slots
    return max(0, total - still_open), total


def steps_left(world: World, jobs: Iterable[Job]) -> int:
    """Return the steps that are still to be taken; a label takes none."""
    from imagineerd.jobs import GenerateSpec  # loaded with the first job

    taken = {number: progress.step for number, progress in world.progress.items()}
    drawn = ((job.id, job.spec.steps) for job in jobs if isinstance(job.spec, GenerateSpec))
    return sum(max(0, steps - taken.get(number, 0)) for number, steps in drawn)


def seconds_left(world: World, steps: int, now: float) -> float | None:
    """Return how long so many steps take; None while nothing was measured."""
    rate = world.pace.rate(now)
    if rate > 0:
        return steps / rate
    worker = world.status.worker if world.status else world.worker
    return steps * worker.seconds_per_step if worker and worker.seconds_per_step else None


def title_of(world: World, batch_id: str) -> str:
    """Return a batch's title with its theme."""
    batch = world.batches.get(batch_id)
    return words.title_of(batch) if batch else batch_id


def name_of(job: Job) -> str:
    """Return what a job draws, or whose picture it labels."""
    from imagineerd.jobs import LabelSpec  # loaded with the first job

    if isinstance(job.spec, LabelSpec):
        return f"label {job.spec.name}"
    return job.spec.name or f"seed {job.spec.seed}"


def draws(job: Job) -> bool:
    """Say whether a job makes a picture, and so belongs to the progress of its batch."""
    return isinstance(job.spec, _drawn())


@cache
def _drawn() -> type:
    from imagineerd.jobs import GenerateSpec  # loaded with the first job

    return GenerateSpec
