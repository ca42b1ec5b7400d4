"""Steer the queue: what the keys of the Queue ask the daemon for, for a line of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from imagineer_tui.model import steering
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.board import Line
    from imagineer_tui.model.world import World
    from imagineerd.jobs import Job

STEP: Final = 10
"""What `+` and `-` add to a priority."""
AGAIN: Final = frozenset({"failed", "cancelled", "held"})
"""States out of which a job can be queued again."""
Where: TypeAlias = "Callable[[World, tuple[int, ...]], steering.Place | None]"
"""Returns where jobs go; None where they stand there already."""


async def pause(framed: Framed, *, now: bool) -> None:
    """Begin no more cards, or go on; with `now` stop at once, between two steps."""
    client = framed.client
    go_on = framed.world.paused and not now
    await framed.asked(client.resume() if go_on else client.pause(now=now))


async def cancel(framed: Framed, line: Line) -> None:
    """Cancel the card, or what is left of the batch."""
    client = framed.client
    done = await framed.asked(client.cancel(line.jobs))
    if done and (jobs := done.cancelled + done.stopping):
        framed.did(f"Cancelled {number_of(len(jobs), 'card')}", lambda: client.retry(jobs))


async def retry(framed: Framed, line: Line, jobs: Sequence[Job]) -> None:
    """Queue again what failed, was cancelled or is held; `jobs` are those of the line that are known."""
    again = [job.id for job in jobs if job.state.value in AGAIN]
    if jobs and not again:
        framed.notify("Nothing of this failed or was cancelled.")
        return
    # Of a batch of earlier times only the daemon knows the jobs.
    if done := await framed.asked(framed.client.retry(again, None if again else line.batch)):
        framed.notify(f"{number_of(len(done.jobs), 'card')} queued again.")


async def hold(framed: Framed, line: Line) -> None:
    """Hold what waits; release what is held."""
    client = framed.client
    if line.section == "held":
        await framed.asked(client.release(line.jobs))
    elif await framed.asked(client.hold(line.jobs)):
        framed.did(f"Held {number_of(len(line.jobs), 'card')}", lambda: client.release(line.jobs))


async def move(framed: Framed, line: Line, where: Where) -> None:
    """Move what waits to another place."""
    if (place := where(framed.world, line.jobs)) is None:
        return
    back = steering.where_it_stands(framed.world, line.jobs)
    if await framed.asked(_put(framed, place)):
        framed.did("Moved", lambda: _put(framed, back))


def _put(framed: Framed, place: steering.Place) -> Awaitable[object]:
    return framed.client.move(place.jobs, end=place.end, before=place.before)


async def prioritize(framed: Framed, line: Line, sign: int) -> None:
    """Let it go before others, or after."""
    client, before = framed.client, framed.world.jobs[line.jobs[0]].priority
    wanted = max(-100, min(100, before + sign * STEP))
    if await framed.asked(client.set_priority(wanted, line.jobs)):
        framed.did(f"Priority {wanted:+}", lambda: client.set_priority(before, line.jobs))
