"""A job moves from one state to another: what else in the world follows from that."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from imagineer_tui.model.queue import draws
from imagineer_tui.model.world import Move, World
from imagineerd.jobs import OPEN_STATES, Job, State

MOST_ENDED: Final = 2000
"""Ended jobs that are kept; beyond, those of finished batches are forgotten."""


def move(world: World, number: int, batch: str, told: Move) -> None:
    """Take in what was told of a job."""
    world.moves[number] = told
    if told.state is not State.RUNNING:
        world.progress.pop(number, None)
    job = world.jobs.get(number)
    if job is None:
        world.stale.add(batch)
        return
    world.jobs[number] = moved(job, told)
    if draws(job):
        _count(world, batch, job.state, told.state)
        if job.state is State.RUNNING and _rests(world):
            world.pace.stop()  # the time until the next card is nobody's pace
    _forget_ended(world)


def _rests(world: World) -> bool:
    """Say whether nothing is drawn, and nothing will be before somebody does something."""
    return not (_has(world, State.RUNNING) or (not world.paused and _has(world, State.QUEUED)))


def _has(world: World, state: State) -> bool:
    return any(job.state is state and draws(job) for job in world.jobs.values())


def moved(job: Job, move: Move) -> Job:
    """Return a job as it is after what an event told of it."""
    attempts = job.attempts if move.attempts is None else move.attempts
    return replace(job, state=move.state, error=move.error, take=move.take or job.take, attempts=attempts)


def _count(world: World, batch_id: str, old: State, new: State) -> None:
    """Keep the counts of a batch in step; they are exact again whenever it is asked for.

    A job that is done has its take, though that is told right after it: who asks in between hears of it, too.
    """
    batch = world.batches.get(batch_id)
    if batch is None:
        return
    states = dict(batch.states)
    if states.get(old.value):
        states[old.value] -= 1
        states[new.value] = states.get(new.value, 0) + 1
    came = new is State.DONE and old is not State.DONE
    world.batches[batch_id] = replace(batch, states=states, takes=batch.takes + came)


def _forget_ended(world: World) -> None:
    if len(world.jobs) <= MOST_ENDED:
        return
    open_batches = {job.batch for job in world.jobs.values() if job.state in OPEN_STATES}
    kept = {number: job for number, job in world.jobs.items() if job.batch in open_batches}
    if len(kept) < len(world.jobs):
        world.jobs = kept
