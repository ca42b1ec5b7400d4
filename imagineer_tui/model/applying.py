"""Messages of the daemon in, a changed `World` out; what is returned says what there is to draw anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, assert_never

from msgspec.structs import replace

from imagineer_tui.model import landed
from imagineer_tui.model.ending import Ended
from imagineer_tui.model.moving import move
from imagineer_tui.model.queue import draws, open_cards
from imagineer_tui.model.status import IN_A_SNAPSHOT
from imagineer_tui.model.world import Build, Move, Progress, Topic, World
from imagineerd.client import Away, Event, Followed
from imagineerd.errors import DaemonAway, ImagineerError
from imagineerd.jobs import OPEN_STATES, Job, State
from imagineerd.protocol import (
    BatchAdded,
    BatchesForgotten,
    Building,
    Bye,
    EventBody,
    Heartbeat,
    JobMoved,
    JobsAdded,
    JobsPlaced,
    LabelChanged,
    LabelerBuilt,
    LorasChanged,
    MixesChanged,
    PauseChanged,
    PickChanged,
    Place,
    Preview,
    Resume,
    Snapshot,
    TakeAdded,
    TakeChanged,
    TakeDeleted,
    TakeRestored,
    Tick,
    TrashEmptied,
    Worker,
)

EVERYTHING: Final[frozenset[Topic]] = frozenset({"connection", "status", "queue", "progress"})
NOTHING: Final[frozenset[Topic]] = frozenset()


def apply(world: World, message: Followed, now: float) -> frozenset[Topic]:
    """Take in one message of `client.events()`; `now` is in monotonic seconds."""
    if isinstance(message, Away):
        return lose(world, "imagineerd does not answer any more.")
    if isinstance(message, Bye):
        return lose(world, "imagineerd was stopped.")
    world.connection.heard_at = now
    topics = NOTHING
    match message:
        case Snapshot():
            topics = _start_over(world, message)
        case Resume():
            world.worker = world.labeling = None  # only a snapshot tells of them: a status has to, which is asked for
            topics = _live(world)
        case Event():
            topics = _happened(world, message.body)
        case Tick():
            _tick(world, message, now)
            topics = frozenset({"progress"})
        case Worker():
            _work(world, message)
            topics = frozenset({"status"})
        case Building(line=line):
            _build_of(world).lines.append(line)
            topics = frozenset({"building"})
        case Heartbeat() | Preview():
            pass  # that it came says all, or it goes to who asked for it
        case _:
            assert_never(message)
    return topics


def lose(world: World, why: str, retry_at: float | None = None) -> frozenset[Topic]:
    """The daemon is away, for a reason in one sentence; all data stay."""
    connection = world.connection
    connection.phase, connection.retry_at = "away", retry_at
    world.pace.stop()  # nobody tells what is drawn meanwhile
    # The first sentence tells the cause; what follows only says that it still is so.
    connection.why = connection.why or why
    return frozenset({"connection"})


def refuse(world: World, error: ImagineerError, retry_at: float) -> frozenset[Topic]:
    """There was no conversation at all: nobody answers, or what answers is no imagineerd."""
    world.connection.why = "No imagineerd answers." if isinstance(error, DaemonAway) else error.message
    return lose(world, error.message, retry_at)


def finished(world: World) -> list[Ended]:
    """Return what ended since this was last asked: batches, but no auditions, without any open job."""
    if not world.moving:
        return []
    names = world.moving.keys() - world.stale - world.asked
    for job in world.jobs.values():  # thousands: the quickest question first
        if job.batch in names and job.state in OPEN_STATES and draws(job):
            names.discard(job.batch)
    ended = [(world.batches.get(name), world.moving.pop(name)) for name in sorted(names)]
    return [Ended(batch, _known(world, again)) for batch, again in ended if batch and not batch.audition]


def _known(world: World, jobs: Iterable[int]) -> tuple[Job, ...]:
    return tuple(world.jobs[number] for number in jobs if number in world.jobs)


def _live(world: World) -> frozenset[Topic]:
    connection = world.connection
    connection.phase, connection.why, connection.retry_at = "live", "", None
    return frozenset({"connection"})


def _start_over(world: World, snapshot: Snapshot) -> frozenset[Topic]:
    world.worker, world.labeling = snapshot.worker, snapshot.labeling
    world.jobs = {job.id: job for job in snapshot.jobs}
    world.batches = {batch.id: batch for batch in snapshot.batches}
    world.progress = {job: progress for job, progress in world.progress.items() if job in world.jobs}
    world.paused = snapshot.paused
    # An open job names its batch; one that is older than the newest batches has to be asked for, and jobs of these
    # that stand too far back in a long queue to be told of.
    known = Counter(job.batch for job in snapshot.jobs if draws(job))
    cut = len(snapshot.jobs) >= IN_A_SNAPSHOT
    partly = {batch.id for batch in snapshot.batches if cut and open_cards(batch) > known[batch.id]}
    world.stale = {job.batch for job in snapshot.jobs if job.batch not in world.batches} | partly
    world.moving = dict.fromkeys([*known, *partly], ()) | world.moving
    _live(world)
    return EVERYTHING


def _happened(world: World, body: EventBody) -> frozenset[Topic]:
    match body:
        case BatchAdded() | JobsAdded() | BatchesForgotten():
            _batches(world, body)
        case JobsPlaced():
            _place(world, body.places)
        case PauseChanged():
            world.paused = body.paused
            world.pace.stop()
            return frozenset({"queue", "status"})
        case JobMoved():
            move(world, body.job, body.batch, Move(body.state, body.error, body.attempts))
        case TakeAdded():
            landed.land(world, body.take)
            move(world, body.take.job, body.take.batch, Move(State.DONE, None, take=body.take.id))
        case LabelerBuilt():
            build = _build_of(world)
            build.ended, build.error = True, body.error.message if body.error else ""
            return frozenset({"building"})
        case TakeDeleted() | TakeRestored() | TakeChanged() | LabelChanged():
            landed.tell(world, body)
        case PickChanged() | MixesChanged() | LorasChanged() | TrashEmptied():
            return NOTHING  # nothing in the world tells of it; the screens that do hear of it themselves
        case _:
            assert_never(body)
    return frozenset({"queue"})


def _batches(world: World, body: BatchAdded | JobsAdded | BatchesForgotten) -> None:
    match body:
        case BatchAdded():
            world.batches = {body.batch.id: body.batch, **world.batches}
            world.stale.add(body.batch.id)
            world.moving[body.batch.id] = ()
        case JobsAdded():
            world.stale.add(body.batch)
            if body.kind == "generate":
                _add(world, body.batch, body.jobs)
        case BatchesForgotten():
            _forget(world, set(body.batches))


def _build_of(world: World) -> Build:
    """Return the build that goes on; what is said after the end of one belongs to another."""
    if world.build is None or world.build.ended:
        world.build = Build()
    return world.build


def _work(world: World, worker: Worker) -> None:
    if worker.lane == "gpu":
        world.worker = worker
    else:
        world.labeling = worker


def _tick(world: World, tick: Tick, now: float) -> None:
    before = world.progress.get(tick.job)
    if before is None or tick.step < before.step:
        world.progress[tick.job] = Progress(tick.step, tick.steps, tick.step, now, now)
        world.pace.note(tick.step, now)
    else:
        world.pace.note(tick.step - before.step, now)
        before.step, before.at = tick.step, now


def _place(world: World, places: Iterable[Place]) -> None:
    for place in places:
        if job := world.jobs.get(place.job):
            world.jobs[place.job] = replace(job, priority=place.priority, turn=place.turn, rank=place.rank)


def _add(world: World, batch_id: str, jobs: tuple[int, ...]) -> None:
    """Have jobs move that were added to a batch; they count as it where it moves itself."""
    if batch_id not in world.moving:
        world.moving[batch_id] = jobs
    elif world.moving[batch_id]:
        world.moving[batch_id] += jobs


def _forget(world: World, gone: set[str]) -> None:
    world.batches = {name: batch for name, batch in world.batches.items() if name not in gone}
    world.jobs = {number: job for number, job in world.jobs.items() if job.batch not in gone}
    world.stale -= gone
