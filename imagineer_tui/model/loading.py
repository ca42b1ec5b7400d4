"""All jobs of a batch, asked for because an event only named it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from imagineer_tui.model.moving import moved
from imagineer_tui.model.queue import draws
from imagineer_tui.model.world import Topic, World
from imagineerd.errors import ImagineerError
from imagineerd.jobs import Job, State
from imagineerd.protocol import Batch, Status


def load(world: World, batch: Batch, jobs: Sequence[Job]) -> frozenset[Topic]:
    """Take in all jobs of a batch, as asked for because it was `stale`.

    The answer and the events come by different ways: what was told of a job meanwhile is newer than the answer.
    """
    world.jobs.update((job.id, moved(job, world.moves[job.id]) if job.id in world.moves else job) for job in jobs)
    drawn = sorted((job for job in jobs if draws(job)), key=lambda job: job.id)
    newest = {job.slot: job.id for job in drawn}
    states = Counter(world.jobs[number].state.value for number in newest.values())
    takes = sum(world.jobs[job.id].state is State.DONE for job in drawn)
    world.batches[batch.id] = replace(batch, states=dict(states), takes=takes)
    return frozenset({"queue"})


@contextmanager
def asking(world: World, batch_id: str) -> Iterator[None]:
    """While the jobs of a batch are asked for, it is not known what there is of it: it may be `stale` again."""
    world.stale.discard(batch_id)
    world.asked.add(batch_id)
    world.moves.clear()
    try:
        yield
    except ImagineerError:
        world.stale.add(batch_id)
        raise
    finally:
        world.asked.discard(batch_id)


def report(world: World, status: Status) -> frozenset[Topic]:
    """Take in how the daemon is; of its workers the news counts, where there was any."""
    world.status = status
    world.worker, world.labeling = world.worker or status.worker, world.labeling or status.labeling
    return frozenset({"status"})
