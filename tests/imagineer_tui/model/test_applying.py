"""The world after messages of the daemon."""

from __future__ import annotations

import json

import pytest
from fakes import BATCH, job, label_spec, take
from house import TESTS
from msgspec.structs import replace
from piloting import status

from imagineer_tui.model.applying import EVERYTHING, apply, finished, lose, refuse
from imagineer_tui.model.ending import Ended
from imagineer_tui.model.loading import asking, load, report
from imagineer_tui.model.world import World
from imagineerd.client import Away, Event
from imagineerd.errors import DaemonAway
from imagineerd.jobs import Job, JobError, State
from imagineerd.protocol import (
    BESIDE,
    EVENTS,
    Batch,
    BatchAdded,
    BatchesForgotten,
    Building,
    Bye,
    Heartbeat,
    JobMoved,
    JobsAdded,
    LabelerBuilt,
    PauseChanged,
    PickChanged,
    Resume,
    Snapshot,
    TakeAdded,
    TakeRestored,
    Tick,
    Worker,
    decode_from_daemon,
)

GOLDEN = json.loads((TESTS / "data" / "protocol" / "messages.json").read_text())
TOLD = {message["kind"]: bytes.fromhex(message["body"]) for message in GOLDEN}

QUEUED = {"queued": 3}


def batch(**more: object) -> Batch:
    plain = {"id": BATCH, "set": "zodiac", "title": "Zodiac", "slots": 3, "states": QUEUED}
    return Batch(**{**plain, **more})


def snapshot() -> Snapshot:
    jobs = (job(1), job(2), job(3))
    return Snapshot(epoch="e1", seq=5, worker=Worker(phase="idle"), jobs=jobs, batches=(batch(),))


@pytest.fixture
def world() -> World:
    world = World()
    apply(world, snapshot(), 100.0)
    return world


def answered(world: World, of: Batch, jobs: list[Job]) -> frozenset[str]:
    """The jobs of a batch came, which had been asked for."""
    with asking(world, of.id):
        return load(world, of, jobs)


def happen(world: World, body: object) -> frozenset[str]:
    return apply(world, Event(6, body), 101.0)


def moved(number: int, state: State, **more: object) -> JobMoved:
    return JobMoved(job=number, batch=BATCH, slot=number, state=state, **more)


def test_a_snapshot_is_the_whole_world():
    world = World()

    assert apply(world, snapshot(), 100.0) == EVERYTHING
    assert world.connection.live
    assert list(world.jobs) == [1, 2, 3]
    assert list(world.batches) == [BATCH]
    assert world.worker.phase == "idle"


def test_a_snapshot_asks_for_batches_that_are_older_than_the_newest(world: World):
    apply(world, Snapshot(epoch="e1", seq=6, worker=Worker(), jobs=(job(1),)), 101.0)

    assert world.stale == {BATCH}


def test_of_a_queue_that_is_longer_than_a_snapshot_the_rest_is_asked_for_and_is_not_over():
    world, later, first = World(), batch(id="tarot", slots=1, states={"queued": 1}), tuple(map(job, range(1, 1001)))
    apply(world, replace(snapshot(), jobs=first, batches=(later, batch())), 100.0)
    assert world.stale == {"tarot"}

    answered(world, later, [replace(job(1001), batch="tarot")])
    assert finished(world) == []

    happen(world, replace(moved(1001, State.CANCELLED), batch="tarot"))
    assert [ended.batch.id for ended in finished(world)] == ["tarot"]


def test_a_move_changes_the_job_and_the_counts_of_its_batch(world: World):
    assert happen(world, moved(2, State.RUNNING, attempts=1)) == {"queue"}
    assert (world.jobs[2].state, world.jobs[2].attempts) == (State.RUNNING, 1)
    assert world.batches[BATCH].states == {"queued": 2, "running": 1}


def test_a_failure_keeps_its_sentence(world: World):
    error = JobError("E_OOM", "Out of memory.")

    happen(world, moved(1, State.FAILED, error=error))

    assert world.jobs[1].error == error


def test_a_take_ends_its_job_and_is_remembered_as_landed(world: World):
    happen(world, TakeAdded(take=take(1), pick=True))

    assert (world.jobs[1].state, world.jobs[1].take) == (State.DONE, 1)
    assert [landed.id for landed in world.landed] == [1]
    assert world.batches[BATCH].takes == 1


def test_progress_goes_when_its_job_does_not_run_any_more(world: World):
    happen(world, moved(1, State.RUNNING))
    assert apply(world, Tick(job=1, batch=BATCH, slot=1, step=3, steps=4), 101.0) == {"progress"}
    assert world.progress[1].step == 3

    happen(world, moved(1, State.QUEUED))

    assert world.progress == {}


def test_a_new_batch_stands_first_and_its_jobs_are_asked_for(world: World):
    happen(world, BatchAdded(batch=batch(id="b2"), jobs=(4, 5)))

    assert list(world.batches) == ["b2", BATCH]
    assert world.stale == {"b2"}

    assert answered(world, batch(id="b2", title="New"), [job(4), job(5)]) == {"queue"}
    assert world.batches["b2"].title == "New"
    assert {4, 5} <= world.jobs.keys()
    assert not world.stale


def test_what_was_told_of_a_job_while_its_batch_was_asked_for_is_newer_than_the_answer(world: World):
    happen(world, BatchAdded(batch=batch(id="b2"), jobs=(4, 5)))

    with asking(world, "b2"):
        happen(world, TakeAdded(take=take(4)))
        load(world, batch(id="b2"), [job(4, State.RUNNING), job(5, State.RUNNING)])

    assert (world.jobs[4].state, world.jobs[4].take) == (State.DONE, 4)
    assert world.batches["b2"].states == {"done": 1, "running": 1}


def test_added_and_unknown_jobs_are_asked_for(world: World):
    happen(world, JobsAdded(batch=BATCH, jobs=(9,), slots=(1,)))
    assert world.stale == {BATCH}
    world.stale.clear()

    happen(world, moved(77, State.RUNNING))

    assert world.stale == {BATCH}
    assert 77 not in world.jobs


def test_to_be_labelled_is_no_state_of_a_card(world: World):
    done = [replace(job(number), state=State.DONE) for number in (1, 2, 3)]
    labels = [replace(job(number), slot=number - 3, spec=label_spec(number - 3)) for number in (4, 5, 6)]

    answered(world, batch(states={"done": 3}), [*done, *labels])

    assert world.batches[BATCH].states == {"done": 3}
    assert world.batches[BATCH].takes == 3
    assert [ended.batch.id for ended in finished(world)] == [BATCH]


def test_what_a_build_says_is_kept_until_the_next_one(world: World):
    assert apply(world, Building(line="Step 1/3"), 101.0) == {"building"}
    assert world.build
    assert list(world.build.lines) == ["Step 1/3"]
    assert not world.build.ended

    happen(world, LabelerBuilt(image="i", error=JobError("E_LABEL", "There is no room.")))
    assert (world.build.ended, world.build.error) == (True, "There is no room.")

    apply(world, Building(line="Step 1/3 again"), 102.0)
    assert (list(world.build.lines), world.build.ended) == (["Step 1/3 again"], False)


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_taken_in_or_named_as_one_that_changes_nothing(world: World, kind: str):
    happen(world, decode_from_daemon(kind, TOLD[kind]))

    assert world.connection.heard_at == 101.0


@pytest.mark.parametrize("kind", BESIDE)
def test_everything_that_is_sent_beside_events_is_taken_in(world: World, kind: str):
    apply(world, decode_from_daemon(kind, TOLD[kind]), 101.0)

    assert world.connection.live is (kind != "bye")


def test_a_take_that_comes_back_counts_again(world: World):
    happen(world, TakeRestored(take=take(1)))

    assert world.batches[BATCH].takes == 1


def test_what_concerns_no_job_changes_nothing(world: World):
    assert happen(world, PickChanged(batch=BATCH, slot=1, take=3)) == frozenset()
    assert apply(world, Heartbeat(boot="b1", seq=5), 140.0) == frozenset()
    assert world.connection.age(141.0) == 1.0


def test_the_worker_is_as_it_last_was(world: World):
    assert apply(world, Worker(phase="working"), 101.0) == {"status"}
    assert world.worker.phase == "working"


@pytest.mark.parametrize("message", [Away(), Bye()])
def test_a_daemon_that_goes_leaves_its_data_behind(world: World, message: object):
    assert apply(world, message, 150.0) == {"connection"}
    assert not world.connection.live
    assert world.connection.age(160.0) == 60.0
    assert list(world.jobs) == [1, 2, 3]


def test_the_reason_for_which_it_went_is_the_first_one(world: World):
    apply(world, Bye(), 101.0)
    apply(world, Away(), 102.0)

    assert world.connection.why == "imagineerd was stopped."


def test_a_resume_takes_up_where_it_was(world: World):
    apply(world, Away(), 101.0)

    assert apply(world, Resume(epoch="e1", seq=9), 102.0) == {"connection"}
    assert world.connection.live
    assert world.connection.why == ""


def test_a_resume_tells_nothing_of_the_workers_so_the_next_status_does(world: World):
    apply(world, Worker(phase="dead"), 101.0)

    apply(world, Resume(epoch="e1", seq=9), 102.0)
    report(world, status(worker=Worker(phase="starting")))
    assert world.worker.phase == "starting"

    apply(world, Worker(phase="idle"), 103.0)
    report(world, status(worker=Worker(phase="starting")))
    assert world.worker.phase == "idle"


def test_a_refusal_says_why_and_when_the_next_try_is():
    world = World()

    assert refuse(world, DaemonAway("Nobody is there: start it."), 104.0) == {"connection"}
    assert (world.connection.why, world.connection.retry_at) == ("No imagineerd answers.", 104.0)
    assert world.connection.age(200.0) is None


def test_a_batch_is_finished_with_its_last_open_job(world: World):
    ends = []
    for body in (TakeAdded(take=take(1)), moved(2, State.FAILED), TakeAdded(take=take(3))):
        happen(world, body)
        ends.append(finished(world))

    assert ends == [[], [], [Ended(world.batches[BATCH])]]
    assert finished(world) == []


def test_a_batch_of_which_not_all_is_known_is_not_called_finished(world: World):
    happen(world, BatchAdded(batch=batch(id="b2"), jobs=(4,)))
    assert finished(world) == []

    answered(world, batch(id="b2"), [job(4, State.DONE)])

    assert finished(world) == [Ended(world.batches["b2"])]


def test_the_take_that_ends_a_batch_is_counted_before_it_is_told(world: World):
    """The daemon tells that a job is done, then which take it made."""
    happen(world, BatchAdded(batch=batch(id="p", set="", title="a fox", states={"queued": 1}), jobs=(4,)))
    answered(world, batch(id="p", set="", title="a fox"), [replace(job(4), batch="p")])

    happen(world, replace(moved(4, State.DONE), batch="p"))
    (ended,) = [ended for ended in finished(world) if ended.batch.id == "p"]
    happen(world, TakeAdded(take=replace(take(4), batch="p")))

    assert ended.text == "1 take."
    assert world.batches["p"].takes == 1


def test_of_a_finished_batch_only_what_was_drawn_again_is_told(world: World):
    for number in (1, 2, 3):
        happen(world, TakeAdded(take=take(number)))
    assert [ended.again for ended in finished(world)] == [()]
    happen(world, JobsAdded(batch=BATCH, jobs=(4,), slots=(1,)))
    happen(world, JobsAdded(batch=BATCH, jobs=(5,), slots=(2,)))

    answered(world, batch(), [job(4, State.DONE), job(5, State.FAILED)])

    (ended,) = finished(world)
    assert (ended.title, ended.text) == ("2 cards of Zodiac are finished", "1 of 2 cards; 1 failed.")


def test_what_is_added_to_a_batch_that_is_being_drawn_ends_with_it(world: World):
    happen(world, JobsAdded(batch=BATCH, jobs=(4,), slots=(1,)))

    answered(world, batch(), [job(number, State.DONE) for number in (1, 2, 3, 4)])

    assert [ended.again for ended in finished(world)] == [()]


def test_the_end_of_an_audition_is_nothing_to_tell(world: World):
    heard = batch(id="heard", audition=True)
    happen(world, BatchAdded(batch=heard, jobs=(4,)))
    answered(world, heard, [job(4, State.DONE)])

    assert finished(world) == []
    assert heard.id not in {deck.id for deck in world.decks}


def test_a_batch_whose_jobs_are_being_asked_for_is_not_called_finished(world: World):
    happen(world, BatchAdded(batch=batch(id="b2"), jobs=(4,)))

    with asking(world, "b2"):
        apply(world, Worker(phase="loading"), 101.0)
        assert finished(world) == []
        load(world, batch(id="b2"), [job(4)])

    assert not world.stale


def test_what_changes_while_a_batch_is_asked_for_is_asked_for_again(world: World):
    with asking(world, BATCH):
        happen(world, JobsAdded(batch=BATCH, jobs=(9,), slots=(1,)))
        load(world, batch(), [job(1)])

    assert world.stale == {BATCH}


def test_a_batch_of_which_no_answer_came_is_asked_for_again(world: World):
    with pytest.raises(DaemonAway), asking(world, BATCH):
        raise DaemonAway("Nobody is there.")

    assert (world.stale, world.asked) == ({BATCH}, set())


def test_a_batch_that_was_finished_while_the_daemon_was_away_is_told(world: World):
    apply(world, Away(), 101.0)
    apply(world, Snapshot(epoch="e1", seq=20, worker=Worker(), batches=(batch(),)), 130.0)

    assert finished(world) == [Ended(world.batches[BATCH])]


def test_the_time_without_a_daemon_is_no_time_that_cards_take(world: World):
    world.pace.note(1, 10.0)
    world.pace.note(5, 12.0)
    assert world.pace.rate(12.0) > 0

    lose(world, "imagineerd was stopped.")

    assert world.pace.rate(12.0) == 0


def test_the_time_in_which_nothing_waits_is_no_time_that_cards_take(world: World):
    draw_for_a_while(world)
    happen(world, moved(1, State.DONE))
    assert world.pace.rate(104.0)

    for number in (2, 3):
        happen(world, moved(number, State.RUNNING))
        happen(world, moved(number, State.DONE))

    assert not world.pace.rate(104.0)


def test_the_time_of_a_pause_is_no_time_that_cards_take(world: World):
    happen(world, PauseChanged(paused=True))
    draw_for_a_while(world)

    happen(world, moved(1, State.DONE))

    assert not world.pace.rate(104.0)


def draw_for_a_while(world: World) -> None:
    happen(world, moved(1, State.RUNNING))
    for second in range(4):
        apply(world, Tick(job=1, batch=BATCH, slot=1, step=second, steps=9), 100.0 + second)


def test_a_batch_that_is_forgotten_is_known_no_more(world: World):
    assert BATCH in world.batches
    happen(world, BatchesForgotten(batches=(BATCH,)))

    assert BATCH not in world.batches
    assert BATCH not in {job.batch for job in world.jobs.values()}
