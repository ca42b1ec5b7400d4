"""What is drawn, what waits in which order, how far a batch is and how long it takes."""

from __future__ import annotations

from fakes import BATCH, job
from msgspec.structs import replace

from imagineer_tui.model import queue
from imagineer_tui.model.world import Progress, World
from imagineerd.jobs import Job, State
from imagineerd.protocol import Batch, Worker


def world_of(*jobs: Job) -> World:
    return World(jobs={job.id: job for job in jobs})


def batch(**more: object) -> Batch:
    return Batch(**{"id": BATCH, "set": "zodiac", "title": "Zodiac", "slots": 3, **more})


def test_what_waits_stands_in_the_order_of_the_queue():
    jobs = (job(1), job(2, priority=10), job(3, turn=1), job(4, rank=-1.0), job(5, State.RUNNING))

    assert [job.id for job in queue.waiting(world_of(*jobs))] == [2, 4, 1, 3]
    assert [job.id for job in queue.running(world_of(*jobs))] == [5]


def test_a_batch_stands_where_its_first_card_does():
    other = replace(job(2), batch="b2")

    groups = queue.groups([job(1), other, job(3)])

    assert [(group.batch, [job.id for job in group.jobs]) for group in groups] == [(BATCH, [1, 3]), ("b2", [2])]


def test_a_batch_is_as_far_as_its_cards_have_ended():
    world = world_of(job(1, State.DONE), job(2, State.RUNNING), job(3))

    assert queue.progress_of(world, batch(states={"done": 1, "running": 1, "queued": 1})) == (1, 3)


def test_a_single_prompt_counts_pictures():
    world = world_of(job(4), job(5))

    assert queue.progress_of(world, batch(set="", slots=1, takes=3, states={"queued": 1})) == (3, 5)


def test_what_is_left_takes_as_long_as_was_measured():
    world = world_of(job(1, State.RUNNING), job(2))
    world.progress[1] = Progress(3, 4, 0, 100.0, 102.0)
    for second in range(5):
        world.pace.note(2, 100.0 + second)

    steps = queue.steps_left(world, world.jobs.values())

    assert steps == 5
    assert queue.seconds_left(world, steps, 104.0) == 2.5


def test_before_anything_was_measured_the_daemon_s_figure_counts():
    world = world_of(job(1))
    assert queue.seconds_left(world, 4, 0.0) is None

    world.worker = Worker(seconds_per_step=0.5)

    assert queue.seconds_left(world, 4, 0.0) == 2.0


def test_a_batch_is_called_by_title_and_theme():
    world = World(batches={BATCH: batch(theme="fog")})

    assert queue.title_of(world, BATCH) == "Zodiac “fog”"
    assert queue.title_of(world, "unknown") == "unknown"
