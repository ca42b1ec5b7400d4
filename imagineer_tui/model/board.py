"""The lines of the Queue screen: what is drawn, what waits, what ended; a line knows the jobs that a key acts on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from imagineer_tui.model import queue
from imagineer_tui.model.ending import ending
from imagineer_tui.model.status import waiting
from imagineer_tui.model.world import World
from imagineer_tui.words import clock, number_of

if TYPE_CHECKING:
    from imagineerd.jobs import Job
    from imagineerd.protocol import Batch

Section: TypeAlias = Literal["now", "waiting", "held", "done"]

MOST_NEXT: Final = 3
"""Cards that are named of a group that waits."""
MOST_ENDED: Final = 12
"""Batches that ended; the Gallery has all."""
MOST_OPENED: Final = 200
"""Cards of one batch that are listed at a time."""
AWAITED: Final = {
    "starting": "the worker starts …",
    "loading": "the model is loaded …",
    "idle": "the cards are on their way",
    "dead": "the worker is gone: F3 says why",
}
MARKS: Final = {"queued": "·", "running": "▶", "done": "✓", "failed": "✗", "cancelled": "–", "held": "◌"}


@dataclass(frozen=True)
class Line:
    """One line. `share` is what its bar shows, None for no bar; `jobs` is what a key acts on, of `batch`.

    `whole` says that the line stands for all jobs of its batch; `trouble` that it wants to be looked at; `took` is how
    long what is done took, or how long is left until what waits is done.
    """

    key: str
    section: Section
    text: str
    count: str = ""
    share: float | None = None
    note: str = ""
    took: str = ""
    batch: str = ""
    jobs: tuple[int, ...] = ()
    whole: bool = False
    trouble: bool = False
    indent: bool = False


def lines(world: World, troubled: Iterable[Job], opened: Collection[str], now: float) -> list[Line]:
    """Return all lines; `troubled` are failed and held jobs of earlier times, `opened` the keys that are unfolded."""
    all_troubled = _troubled(world, troubled)
    return [
        *_now(world, opened, now),
        *_waiting(world, opened, now),
        *_held(world, all_troubled, opened),
        *_done(world, all_troubled, opened),
    ]


def left(world: World, now: float) -> str:
    """Return how much is still to come, and how long it takes; empty where nothing is."""
    jobs = [*queue.running(world), *queue.waiting(world)]
    if not jobs:
        return ""
    seconds = queue.seconds_left(world, queue.steps_left(world, jobs), now)
    rate = world.pace.rate(now)
    speed = f"{rate:.1f} it/s" if rate else ""
    parts = [number_of(waiting(world), "card"), f"{clock(seconds)} left" if seconds is not None else "", speed]
    return " · ".join(part for part in parts if part)


def awaited(world: World) -> str:
    """Return why nothing is drawn although something waits; empty where that needs no words."""
    worker, drawn = world.worker, queue.running(world)
    if worker is None or not (drawn or queue.waiting(world)):
        return ""
    if worker.detail and worker.phase in {"idle", "working"}:  # all that is said there is trouble with the disk
        return worker.detail
    return "" if drawn or world.paused else AWAITED.get(worker.phase, "")


def _now(world: World, opened: Collection[str], now: float) -> Iterator[Line]:
    for group in queue.groups(queue.running(world)):
        key = f"now:{group.batch}"
        yield _batch_line(world, key, group.batch, now)
        for job in group.jobs:
            yield _running_line(world, job)
        if key in opened:
            shown = {job.id for job in group.jobs}
            others = [job for job in queue.of_batch(world, group.batch) if job.id not in shown]
            yield from _job_lines("now", others)


def _batch_line(world: World, key: str, batch_id: str, now: float) -> Line:
    batch = world.batches.get(batch_id)
    still_open = [job for job in queue.of_batch(world, batch_id) if job.state.value in {"queued", "running"}]
    left = queue.seconds_left(world, queue.steps_left(world, still_open), now)
    ended, total = queue.progress_of(world, batch) if batch else (0, len(still_open))
    return Line(
        key,
        "now",
        queue.title_of(world, batch_id),
        count=f"{ended}/{total}",
        share=ended / total if total else 0.0,
        note=f"{clock(left)} left" if left is not None else "",
        batch=batch_id,
        jobs=tuple(job.id for job in still_open),
        whole=True,
    )


def _running_line(world: World, job: Job) -> Line:
    progress = world.progress.get(job.id)
    stopping = job.cancel_requested
    return Line(
        f"job:{job.id}",
        "now",
        queue.name_of(job),
        count=f"step {progress.step}/{progress.steps}" if progress else "begins",
        share=progress.step / progress.steps if progress and progress.steps else 0.0,
        note="stopping" if stopping else f"{progress.speed:.1f} it/s" if progress and progress.speed else "",
        batch=job.batch,
        jobs=(job.id,),
        indent=True,
    )


def _waiting(world: World, opened: Collection[str], now: float) -> Iterator[Line]:
    drawn = queue.running(world)
    begun = {job.batch for job in drawn}
    before = queue.steps_left(world, drawn)
    for group in queue.groups(queue.waiting(world)):
        key = f"waiting:{group.batch}"
        steps = queue.steps_left(world, group.jobs)
        left = queue.seconds_left(world, before + steps, now)
        before += steps
        priority = group.jobs[0].priority
        yield Line(
            key,
            "waiting",
            f"then {_next(group.jobs)}" if group.batch in begun else _titled(world, group),
            count=f"{len(group.jobs)} to go",
            note=f"prio {priority:+}" if priority else "",
            took=f"· {clock(left)} left" if left is not None else "",
            batch=group.batch,
            jobs=tuple(job.id for job in group.jobs),
            whole=True,
        )
        if key in opened:
            yield from _job_lines("waiting", group.jobs)


def _titled(world: World, group: queue.Group) -> str:
    return f"{queue.title_of(world, group.batch)}   {_next(group.jobs)}"


def _next(jobs: tuple[Job, ...]) -> str:
    names = [queue.name_of(job) for job in jobs[:MOST_NEXT]]
    more = len(jobs) - len(names)
    return " · ".join([*names, f"{more} more"] if more else names)


def _held(world: World, troubled: list[Job], opened: Collection[str]) -> Iterator[Line]:
    for group in queue.groups(job for job in troubled if job.state.value == "held"):
        key = f"held:{group.batch}"
        by_hand = all(job.error is None or job.error.code == "E_STATE" for job in group.jobs)
        yield Line(
            key,
            "held",
            _titled(world, group),
            count=f"{len(group.jobs)} held",
            note="by hand" if by_hand else "its worker died",
            batch=group.batch,
            jobs=tuple(job.id for job in group.jobs),
            trouble=not by_hand,
        )
        if key in opened:
            yield from _job_lines("held", group.jobs)


def _done(world: World, troubled: list[Job], opened: Collection[str]) -> Iterator[Line]:
    still_open = {job.batch for job in world.jobs.values() if job.state.value in {"queued", "running"}}
    failed = [job for job in troubled if job.state.value == "failed"]
    still_open |= {name for name in world.stale | world.asked if _waits(world, name)}
    ended = [batch for batch in world.decks if batch.id not in still_open and batch.states.keys() != {"held"}]
    older = [job.batch for job in failed if job.batch not in world.batches]
    for batch in ended[:MOST_ENDED]:
        yield from _ended(world, batch, [job for job in failed if job.batch == batch.id], opened)
    for batch_id in dict.fromkeys(older):
        yield from _job_lines("done", (job for job in failed if job.batch == batch_id))


def _waits(world: World, batch_id: str) -> bool:
    """Say whether a batch has cards that wait, of whose jobs nothing was told yet."""
    batch = world.batches.get(batch_id)
    return batch is not None and queue.open_cards(batch) > 0


def _ended(world: World, batch: Batch, failed: list[Job], opened: Collection[str]) -> Iterator[Line]:
    key = f"done:{batch.id}"
    done, total = batch.states.get("done", 0), sum(batch.states.values())
    mark = "✓" if done == total else "!"
    yield Line(
        key,
        "done",
        f"{mark} {queue.title_of(world, batch.id)}",
        count=f"{done}/{total}",
        note=ending(batch).partition("; ")[2].rstrip("."),
        took=f"in {clock(max(1.0, batch.duration))}" if batch.duration else "",
        batch=batch.id,
        jobs=tuple(job.id for job in queue.of_batch(world, batch.id)),
        whole=True,
        trouble=bool(failed),
    )
    if key in opened:
        yield from _job_lines("done", queue.of_batch(world, batch.id) or failed)
    else:
        yield from _job_lines("done", failed)


def _job_lines(section: Section, jobs: Iterable[Job]) -> Iterator[Line]:
    for _, job in zip(range(MOST_OPENED), jobs, strict=False):
        state = job.state.value
        yield Line(
            f"job:{job.id}",
            section,
            f"{MARKS[state]} {queue.name_of(job)}",
            count=state,
            note=job.error.message if job.error else "",
            batch=job.batch,
            jobs=(job.id,),
            trouble=state in {"failed", "held"},
            indent=True,
        )


def _troubled(world: World, earlier: Iterable[Job]) -> list[Job]:
    """Return failed and held jobs, the newest first; what the world knows of one counts."""
    known = {job.id: job for job in earlier} | world.jobs
    return sorted((job for job in known.values() if job.state.value in {"failed", "held"}), key=lambda job: -job.id)
