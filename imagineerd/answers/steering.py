"""Steering the queue: cancel, retry, hold, move, pause."""

from __future__ import annotations

import time

from imagineerd import protocol
from imagineerd.answers.parts import Parts, one_of
from imagineerd.errors import Invalid


async def cancel(parts: Parts, request: protocol.Cancel) -> protocol.Cancelled:
    """End jobs: those that wait at once, those that run between two steps."""
    one_of(request.jobs, request.batch)
    done = await parts.store.cancel(request.jobs, request.batch, time.time())
    for lane in parts.lanes:
        lane.cancel(done.cancelled, done.stopping)
    return done


async def retry(parts: Parts, request: protocol.RetryJobs) -> protocol.Retried:
    """Queue again what failed or was cancelled."""
    if request.failed and not request.jobs and request.batch is None:
        retried = await parts.store.retry((), None, time.time(), failed=True)
    else:
        one_of(request.jobs, request.batch)
        retried = await parts.store.retry(request.jobs, request.batch, time.time())
    await parts.let_wait(retried.jobs)
    return retried


async def pause(parts: Parts, request: protocol.Pause) -> protocol.Done:
    """Start no more jobs, and with `now` stop those that run."""
    await parts.store.pause(time.time(), paused=True)
    for lane in parts.lanes:
        lane.pause(now=request.now)
    return protocol.Done()


async def resume(parts: Parts) -> protocol.Done:
    """Start jobs again."""
    await parts.store.pause(time.time(), paused=False)
    for lane in parts.lanes:
        lane.resume()
    return protocol.Done()


async def hold(parts: Parts, request: protocol.Hold) -> protocol.Held:
    """Let jobs wait until they are released."""
    one_of(request.jobs, request.batch)
    held = await parts.store.hold(request.jobs, request.batch, time.time())
    for lane in parts.lanes:
        lane.drop(held.jobs)
    return held


async def release(parts: Parts, request: protocol.Release) -> protocol.Retried:
    """Queue what is held."""
    one_of(request.jobs, request.batch)
    released = await parts.store.release(request.jobs, request.batch, time.time())
    await parts.let_wait(released.jobs)
    return released


async def move(parts: Parts, request: protocol.MoveJobs) -> protocol.Placed:
    """Give jobs another place in the queue."""
    one_of(request.jobs, request.batch)
    if (request.end is None) == (request.before is None):
        raise Invalid(message="Say where to: an end of the queue, or before which job.", field="$.end")
    placed = await parts.store.place(request.jobs, request.batch, request.end, request.before, time.time())
    await parts.let_wait(placed.jobs)
    return placed


async def set_priority(parts: Parts, request: protocol.SetPriority) -> protocol.Placed:
    """Give jobs another priority."""
    one_of(request.jobs, request.batch)
    placed = await parts.store.set_priority(request.jobs, request.batch, request.priority, time.time())
    await parts.let_wait(placed.jobs)
    return placed
