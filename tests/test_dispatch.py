"""The dispatcher with a real store and the fake worker process: whatever a worker does, every job comes to an end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from decks import NO_LIMIT, deck, spec, with_store

from imagineerd import dispatch, keeper, link, protocol, workers
from imagineerd.dispatch import Dispatcher
from imagineerd.errors import LoraError
from imagineerd.jobs import Job, LoraWeight, State, group_key
from imagineerd.orders import Orders
from imagineerd.scheduler import Setup
from imagineerd.store import Store, pages

T = TypeVar("T")
FAKE = str(Path(__file__).with_name("fake_worker.py"))
WAIT_S = 20.0


def no_lora(name: str) -> str:
    raise LoraError(f'There is no LoRA "{name}".')


ORDERS = Orders(
    configure=lambda: link.Configure(link.Hardware()),
    source=lambda name, revision: link.ModelSource(name, "/model", revision),
    lora=no_lora,
)


class Scene:
    """A store, a dispatcher with its fake worker, and what was said beside the events."""

    def __init__(
        self,
        store: Store,
        root: Path,
        life: str = "fine",
        hang_s: float = 30.0,
        unload_s: float | None = None,
        **options: Any,
    ) -> None:
        self.store = store
        self.root = root
        self.beside: list[protocol.Beside] = []
        command = options.pop("command", (sys.executable, FAKE, life))
        orders = msgspec.structs.replace(ORDERS, unload_s=lambda: unload_s)
        self.dispatcher = Dispatcher(store, orders, self.beside.append, hang_s=hang_s, command=command, **options)

    async def deal(self, *prompts: str, steps: int = 2, mix: tuple[LoraWeight, ...] = ()) -> tuple[int, ...]:
        """Submit a job for each prompt; return their ids."""
        specs = [
            msgspec.structs.replace(spec(seed, prompt), steps=steps, mix=mix) for seed, prompt in enumerate(prompts)
        ]
        new = msgspec.structs.replace(
            deck("tarot", self.root),
            slots=tuple((index, entry.name, entry) for index, entry in enumerate(specs, 1)),
            jobs=tuple(enumerate(specs, 1)),
        )
        dealt = await self.store.submit_batch(new, None, NO_LIMIT, 1.0)
        self.dispatcher.add(await self.store.waiting(dealt.jobs))
        return dealt.jobs

    async def job(self, id_: int) -> Job:
        """Return one job."""
        return await self.store.run(pages.job, id_)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(WAIT_S):
            while not condition():  # noqa: ASYNC110 - the condition is anybody's
                await asyncio.sleep(0.01)

    async def ended(self, *jobs: int) -> list[Job]:
        """Wait until none of the jobs waits or runs; return them."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = [await self.job(job) for job in jobs]
                if not {job.state for job in found} & {State.QUEUED, State.RUNNING}:
                    return found
                await asyncio.sleep(0.01)

    async def drawing(self, job: int) -> None:
        """Wait until a job is being drawn."""
        await self.until(lambda: any(isinstance(said, protocol.Tick) and said.job == job for said in self.beside))

    async def cancel(self, *jobs: int) -> None:
        """Cancel jobs as a request does."""
        done = await self.store.cancel(jobs, None, 1.0)
        self.dispatcher.cancel(done.cancelled, done.stopping)

    async def retry(self, *jobs: int) -> None:
        """Queue jobs again as a request does."""
        again = await self.store.retry(jobs, None, 1.0)
        self.dispatcher.add(await self.store.waiting(again.jobs))

    @staticmethod
    def states(jobs: list[Job]) -> list[str]:
        return [job.state.value for job in jobs]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next worker start soon after one that did nothing."""
    monkeypatch.setattr(workers, "BACKOFF_S", (0.0, 0.05))


Play = Callable[[Scene], Awaitable[T]]


def play(tmp_path: Path, scene: Play[T], life: str = "fine", **options: Any) -> T:
    """Play a scene from the start of the dispatcher to its stop."""

    async def whole(store: Store) -> T:
        made = Scene(store, tmp_path, life, **options)
        await made.dispatcher.start()
        try:
            return await scene(made)
        finally:
            await made.dispatcher.stop()

    return with_store(tmp_path / "queue.db", whole)


def says(job: Job) -> str:
    assert job.error is not None
    return job.error.message


# ---------------------------------------------------------------- the straight way


def test_everything_that_waits_is_drawn_once(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        jobs = await made.deal(*["card"] * 7)
        ended = await made.ended(*jobs)

        assert {(job.state, job.attempts) for job in ended} == {(State.DONE, 1)}
        detail = await made.store.get_batch("last")
        assert [len(slot.takes) for slot in detail.slots] == [1] * 7

    play(tmp_path, scene)


def test_what_waited_before_the_start_is_drawn_too(tmp_path: Path) -> None:
    async def whole(store: Store) -> None:
        made = Scene(store, tmp_path)
        jobs = await made.deal("card", "card")
        later = Scene(store, tmp_path)
        await later.dispatcher.start()
        ended = await later.ended(*jobs)
        await later.dispatcher.stop()

        assert made.states(ended) == ["done", "done"]

    with_store(tmp_path / "queue.db", whole)


def test_no_more_are_drawn_together_than_the_configuration_says(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        jobs = await made.deal("SLOW", "SLOW", "SLOW")
        await made.drawing(jobs[0])

        assert set(made.dispatcher.running) == set(jobs[:2])

    play(tmp_path, scene, max_batch=3)


def test_a_worker_s_phases_are_told(tmp_path: Path) -> None:
    async def scene(made: Scene) -> list[str]:
        await made.ended(*await made.deal("card"))
        await made.until(lambda: made.dispatcher.info.phase == "idle")
        return [said.phase for said in made.beside if isinstance(said, protocol.Worker)]

    assert play(tmp_path, scene) == ["starting", "idle", "working", "idle"]


def test_each_step_is_told_for_each_job_and_gives_the_time_left(tmp_path: Path) -> None:
    async def scene(made: Scene) -> list[tuple[int, int]]:
        jobs = await made.deal("card", "card", steps=3)
        await made.ended(*jobs)
        assert made.dispatcher.eta() == 0
        return [(said.job, said.step) for said in made.beside if isinstance(said, protocol.Tick)]

    assert play(tmp_path, scene) == [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]


def test_what_is_watched_is_shown_beside_the_ring(tmp_path: Path) -> None:
    async def scene(made: Scene) -> list[tuple[int, int]]:
        made.dispatcher.watch(link.Watch(jobs=(2,), rate=30.0, max_side=96))
        await made.ended(*await made.deal("card", "card", steps=3))
        return [(said.job, said.step) for said in made.beside if isinstance(said, protocol.Preview)]

    assert play(tmp_path, scene) == [(2, 1), (2, 2), (2, 3)]


@pytest.mark.usefixtures("hasty")
def test_a_worker_that_comes_later_is_told_what_is_watched(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        made.dispatcher.watch(link.Watch(all=True, rate=30.0, max_side=96))
        (job,) = await made.deal("FATAL")
        await made.ended(job)

        assert any(isinstance(said, protocol.Preview) and said.job == job for said in made.beside)

    play(tmp_path, scene)


def test_a_measured_speed_is_kept(tmp_path: Path) -> None:
    async def scene(made: Scene) -> float | None:
        await made.ended(*await made.deal("card"))
        await made.until(lambda: made.dispatcher.info.phase == "idle")
        return await made.store.speed("starter|64x96")

    assert play(tmp_path, scene)


# ---------------------------------------------------------------- jobs that fail


def test_a_job_that_fails_says_why_and_the_others_are_drawn(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        ended = await made.ended(*await made.deal("card", "FAIL", "card"))

        assert made.states(ended) == ["done", "failed", "done"]
        assert says(ended[1]) == "The LoRA does not fit this model."

    play(tmp_path, scene)


def test_an_order_that_cannot_be_made_fails_its_jobs_and_no_others(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (lost,) = await made.deal("card", mix=(LoraWeight("Ink"),))
        (fine,) = await made.deal("card")
        ended = await made.ended(lost, fine)

        assert made.states(ended) == ["failed", "done"]
        assert says(ended[0]) == 'There is no LoRA "Ink".'

    play(tmp_path, scene)


def test_a_disk_that_refuses_lets_the_queue_wait_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "DISK_RETRY_S", 0.05)

    async def scene(made: Scene) -> None:
        made.root = tmp_path / "file" / "pictures"
        (tmp_path / "file").write_text("in the way")
        jobs = await made.deal("card", "card", "card")
        await made.until(lambda: made.dispatcher.info.detail.startswith("The queue waits for the disk: "))
        found = [await made.job(job) for job in jobs]
        assert (made.states(found), {job.attempts for job in found}) == (["queued"] * 3, {0})

        (tmp_path / "file").unlink()
        assert made.states(await made.ended(*jobs)) == ["done"] * 3
        await made.until(lambda: not made.dispatcher.info.detail)

    play(tmp_path, scene)


def test_a_picture_that_the_disk_refuses_is_tried_again_and_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "DISK_RETRY_S", 0.05)

    async def scene(made: Scene) -> None:
        made.dispatcher.pause(now=False)
        jobs = await made.deal("card", "card")
        thumbs = made.root / "tarot" / ".thumbs"
        thumbs.parent.mkdir(parents=True)
        thumbs.write_text("in the way")
        made.dispatcher.resume()
        await made.until(lambda: made.dispatcher.info.detail.startswith("The queue waits for the disk: "))

        thumbs.unlink()
        ended = await made.ended(*jobs)
        assert (made.states(ended), {job.attempts for job in ended}) == (["done"] * 2, {1})

    play(tmp_path, scene)


def test_what_is_said_of_the_disk_stays_while_an_order_of_before_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "DISK_RETRY_S", 60.0)

    async def scene(made: Scene) -> None:
        (drawn,) = await made.deal("SLOW card")
        await made.until(lambda: made.dispatcher.info.phase == "working")
        made.dispatcher.wait_for_disk(drawn, tmp_path)
        made.dispatcher.workers[0].say(detail="The queue waits for the disk: it is full.")
        await made.ended(drawn)
        await made.until(lambda: made.dispatcher.info.phase == "idle")

        assert made.dispatcher.info.detail == "The queue waits for the disk: it is full."

    play(tmp_path, scene)


def test_who_cancels_the_job_that_the_disk_refuses_lets_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "DISK_RETRY_S", 0.05)

    async def scene(made: Scene) -> None:
        root = made.root
        made.root = tmp_path / "file" / "pictures"
        (tmp_path / "file").write_text("in the way")
        (refused,) = await made.deal("card")
        await made.until(lambda: made.dispatcher.info.detail.startswith("The queue waits for the disk: "))
        made.root = root
        (fine,) = await made.deal("card")
        await made.cancel(refused)

        assert made.states(await made.ended(refused, fine)) == ["cancelled", "done"]

    play(tmp_path, scene)


def test_a_job_nobody_answers_for_is_tried_twice_and_held(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        ended = await made.ended(*await made.deal("card", "FORGOTTEN", "card"))

        assert made.states(ended) == ["done", "held", "done"]
        assert "without a word" in says(ended[1])

    play(tmp_path, scene)


# ---------------------------------------------------------------- cancel


def test_a_queued_job_is_cancelled_before_it_starts(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        first, second = await made.deal("SLOW", "card")
        await made.cancel(second)
        ended = await made.ended(first, second)

        assert made.states(ended) == ["done", "cancelled"]

    play(tmp_path, scene, max_batch=1)


def test_a_running_job_is_cancelled_between_two_steps_and_its_mate_goes_on(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        first, second = await made.deal("SLOW", "SLOW", steps=8)
        await made.drawing(first)
        await made.cancel(first)
        ended = await made.ended(first, second)

        assert made.states(ended) == ["cancelled", "done"]

    play(tmp_path, scene)


@pytest.mark.usefixtures("hasty")
def test_a_job_cancelled_while_its_worker_hung_can_be_tried_again(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("HANG")
        await made.until(lambda: job in made.dispatcher.running)
        await made.cancel(job)
        assert made.states(await made.ended(job)) == ["cancelled"]
        await made.retry(job)

        # It hangs as before: it was not stopped by the cancel of its earlier life.
        assert made.states(await made.ended(job)) == ["held"]

    play(tmp_path, scene, hang_s=1.5)


def test_a_job_that_failed_before_its_cancel_arrived_can_be_tried_again(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("SLOW BLIND FAIL", steps=3)
        await made.drawing(job)
        await made.cancel(job)
        assert made.states(await made.ended(job)) == ["failed"]
        await made.retry(job)

        assert made.states(await made.ended(job)) == ["failed"]

    play(tmp_path, scene)


# ---------------------------------------------------------------- pause


def test_while_the_queue_is_paused_what_runs_is_finished_and_nothing_is_started(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        first, second = await made.deal("SLOW", "card")
        await made.drawing(first)
        made.dispatcher.pause(now=False)
        await made.until(lambda: not made.dispatcher.running and made.dispatcher.info.phase == "idle")
        assert made.states([await made.job(first), await made.job(second)]) == ["done", "queued"]

        made.dispatcher.resume()
        assert made.states(await made.ended(second)) == ["done"]

    play(tmp_path, scene, max_batch=1)


def test_to_pause_at_once_gives_what_runs_back_to_its_place_uncounted(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        jobs = await made.deal("SLOW", "SLOW", "SLOW", steps=50)
        await made.drawing(jobs[0])
        made.dispatcher.pause(now=True)
        await made.until(lambda: not made.dispatcher.running and made.dispatcher.info.phase == "idle")
        found = [await made.job(job) for job in jobs]

        assert {(job.state, job.attempts) for job in found} == {(State.QUEUED, 0)}
        assert [entry.job for entry in await made.store.waiting()] == list(jobs)
        assert made.dispatcher.info.restarts == 0

    play(tmp_path, scene)


def test_a_queue_that_is_paused_at_once_goes_on_with_the_same_jobs(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        jobs = await made.deal("SLOW", steps=3)
        await made.drawing(jobs[0])
        made.dispatcher.pause(now=True)
        made.dispatcher.resume()

        assert made.states(await made.ended(*jobs)) == ["done"]

    play(tmp_path, scene)


def test_what_is_claimed_while_the_queue_is_paused_at_once_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(made: Scene) -> None:
        claim = made.store.claim

        async def claim_while_paused(jobs: tuple[int, ...], now: float) -> tuple[Job, ...]:
            made.dispatcher.pause(now=True)
            return await claim(jobs, now)

        monkeypatch.setattr(made.store, "claim", claim_while_paused)
        jobs = await made.deal("SLOW", steps=50)
        worker = made.dispatcher.workers[0]
        await made.until(lambda: made.dispatcher.paused)
        await made.until(lambda: worker.info.phase == "idle" and not worker.running and not worker.choosing)

        assert made.states([await made.job(jobs[0])]) == ["queued"]

    play(tmp_path, scene)


def test_a_job_that_is_cancelled_while_the_queue_is_paused_at_once_is_cancelled(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("SLOW", steps=50)
        await made.drawing(job)
        cancelled = await made.store.cancel([job], None, 1.0)
        made.dispatcher.pause(now=True)
        made.dispatcher.cancel(cancelled.cancelled, cancelled.stopping)

        assert made.states(await made.ended(job)) == ["cancelled"]

    play(tmp_path, scene)


def test_a_paused_queue_is_paused_after_a_restart(tmp_path: Path) -> None:
    async def whole(store: Store) -> None:
        await store.pause(1.0, paused=True)
        made = Scene(store, tmp_path)
        await made.dispatcher.start()
        await made.deal("card")
        await made.until(lambda: made.dispatcher.info.phase == "idle")
        assert made.dispatcher.paused
        assert made.dispatcher.next_for(made.dispatcher.workers[0]) is None
        await made.dispatcher.stop()

    with_store(tmp_path / "queue.db", whole)


# ---------------------------------------------------------------- an idle model


def test_what_calls_and_changes_of_model_and_mix_took_is_kept_for_the_choice_of_the_next_call(tmp_path: Path) -> None:
    async def scene(made: Scene) -> Setup:
        (job,) = await made.deal("ace")
        await made.ended(job)
        worker = made.dispatcher.workers[0]
        drawn = link.Drawn(9, mix_seconds=0.25, call_seconds={1: 0.05, 4: 0.125})
        for report in (link.Loaded("sd15", "", 2.5), drawn, link.Drawn(10)):
            await worker.take_report(worker.process, report)
        return worker.setup

    setup = play(tmp_path, scene)

    assert (setup.model_s, setup.mix_s) == (2.5, 0.25)
    assert setup.call_s(group_key(spec(0, "any other mix"))) == {1: 0.05, 4: 0.125}
    assert setup.step_s > 0
    assert setup.group == group_key(spec(0, "ace")).rpartition("|")[0] + "|2"


def test_a_model_that_is_idle_for_long_is_unloaded_and_loaded_again_for_the_next_job(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: made.dispatcher.info.model == "starter")
        await made.until(lambda: made.dispatcher.info.phase == "idle" and not made.dispatcher.info.model)
        assert made.states(await made.ended(*await made.deal("card"))) == ["done"]

        await made.until(lambda: not made.dispatcher.info.model)
        models = [said.model for said in made.beside if isinstance(said, protocol.Worker) and said.phase != "starting"]
        assert [model for model, before in zip(models, ["", *models], strict=False) if model != before] == [
            "starter", "", "starter", "",
        ]  # fmt: skip

    play(tmp_path, scene, life="loading", unload_s=0.2)


def test_a_model_in_use_is_not_unloaded(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("SLOW", steps=10)
        await made.ended(job)

        assert not any(isinstance(said, protocol.Worker) and said.phase == "working" and not said.model
                       for said in made.beside)  # fmt: skip

    play(tmp_path, scene, life="loading", unload_s=0.05)


# ---------------------------------------------------------------- workers that die


@pytest.mark.usefixtures("hasty")
def test_a_job_whose_worker_is_killed_is_given_back_and_drawn_by_the_next(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("SLOW", steps=5)
        await made.drawing(job)
        os.kill(made.dispatcher.info.pid, signal.SIGKILL)
        (ended,) = await made.ended(job)

        assert (ended.state, ended.attempts) == (State.DONE, 2)
        assert made.dispatcher.info.restarts == 1
        (slot,) = (await made.store.get_batch("last")).slots
        assert len(slot.takes) == 1

    play(tmp_path, scene)


@pytest.mark.usefixtures("hasty")
def test_a_poison_job_is_held_with_the_reason_and_its_innocent_neighbours_are_drawn(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        ended = await made.ended(*await made.deal("card", "card", "POISON", "card", "card"))

        assert made.states(ended) == ["done", "done", "held", "done", "done"]
        assert ended[2].attempts == 2
        assert says(ended[2]) == "The worker was killed from outside (signal 9; out of memory?)."

    play(tmp_path, scene)


@pytest.mark.usefixtures("hasty")
def test_a_poison_job_can_be_retried_by_hand(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("POISON")
        await made.ended(job)
        await made.retry(job)

        assert made.states(await made.ended(job)) == ["held"]

    play(tmp_path, scene)


@pytest.mark.usefixtures("hasty")
def test_a_worker_that_hangs_is_killed_and_its_job_is_tried_once_more(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        ended = await made.ended(*await made.deal("HANG", "card"))

        assert made.states(ended) == ["held", "done"]
        assert says(ended[0]).startswith("The worker was killed: it gave no sign of life for")

    play(tmp_path, scene, hang_s=1.5, max_batch=1)


def test_a_worker_that_hangs_before_it_is_ready_is_killed_when_there_is_work(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.deal("card")
        await made.until(lambda: "no sign of life" in made.dispatcher.info.detail)

    play(tmp_path, scene, life="mute", hang_s=1.5)


def test_an_idle_worker_is_not_taken_for_a_hanging_one(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: made.dispatcher.info.phase == "idle")
        made.dispatcher.workers[0].last_report -= 3600
        await made.ended(*await made.deal("card"))

        assert made.dispatcher.info.restarts == 0

    play(tmp_path, scene, hang_s=5.0)


def test_rubbish_on_the_link_ends_the_worker_and_not_the_job(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (ended,) = await made.ended(*await made.deal("RUBBISH"))

        assert (ended.state, ended.attempts) == (State.DONE, 2)

    play(tmp_path, scene)


def test_a_report_that_makes_no_sense_ends_the_worker_and_not_the_daemon(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: "could not make sense" in made.dispatcher.info.detail)

        assert not any(task.done() for task in made.dispatcher.tasks)

    play(tmp_path, scene, life="wrong")


def test_one_that_cannot_work_says_why_and_is_not_started_over_and_over(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (job,) = await made.deal("card")
        await made.until(lambda: made.dispatcher.info.restarts == 2)

        assert made.dispatcher.info.phase == "dead"
        assert made.dispatcher.info.detail == "This machine has no CUDA device: set hardware.device to cpu."
        await asyncio.sleep(0.5)
        assert made.dispatcher.info.restarts == 2
        assert (await made.job(job)).state is State.QUEUED

    play(tmp_path, scene, life="broken")


@pytest.mark.usefixtures("hasty")
def test_the_reason_is_still_told_while_the_next_one_starts(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: made.dispatcher.info.restarts == 2)
        phases = {said.phase: said.detail for said in made.beside if isinstance(said, protocol.Worker) and said.detail}

        assert phases["starting"] == phases["dead"] == "This machine has no CUDA device: set hardware.device to cpu."

    play(tmp_path, scene, life="broken")


def test_one_that_leaves_as_soon_as_it_is_ready_is_not_started_over_and_over(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: made.dispatcher.info.restarts == 2)
        await asyncio.sleep(0.5)

        assert made.dispatcher.info.restarts == 2
        assert made.dispatcher.info.detail.endswith('exit code 3. Its last line: "no kernel image is available".')

    play(tmp_path, scene, life="sudden")


def test_a_program_that_is_not_there_is_told_and_not_tried_over_and_over(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: made.dispatcher.info.restarts == 2)

        assert made.dispatcher.info.detail == "The worker cannot be started: No such file or directory."
        assert not any(task.done() for task in made.dispatcher.tasks)

    play(tmp_path, scene, command=("/nowhere/python",))


def test_one_that_failed_to_load_ahead_is_given_orders_all_the_same(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        assert made.states(await made.ended(*await made.deal("card"))) == ["done"]
        await made.until(lambda: made.dispatcher.info.phase == "idle")

        assert made.dispatcher.info.detail == ""

    play(tmp_path, scene, life="preloading")


def test_one_that_fills_stderr_works_on(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        assert made.states(await made.ended(*await made.deal("card"))) == ["done"]

    play(tmp_path, scene, life="noisy")


# ---------------------------------------------------------------- several workers


TWO = ("cpu", "cuda:1")


def test_one_deck_is_spread_over_all_workers(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        made.dispatcher.pause(now=False)
        jobs = await made.deal(*["SLOW"] * 4)
        await made.until(lambda: all(worker.ready for worker in made.dispatcher.workers))
        made.dispatcher.resume()
        await made.until(lambda: all(worker.running for worker in made.dispatcher.workers))
        halves = [set(worker.running) for worker in made.dispatcher.workers]
        ended = await made.ended(*jobs)

        assert sorted(map(len, halves)) == [2, 2]
        assert {(job.state, job.attempts) for job in ended} == {(State.DONE, 1)}

    play(tmp_path, scene, devices=TWO)


def test_each_worker_is_told_its_device_and_all_of_them_are_told_of_as_one(tmp_path: Path) -> None:
    async def scene(made: Scene) -> protocol.Worker:
        await made.until(lambda: made.dispatcher.info.phase == "idle" and made.dispatcher.info.device.count("x") == 2)
        return made.dispatcher.info

    info = play(tmp_path, scene, devices=TWO)

    assert info.device == "1 x cpu, 1 x cuda"
    assert [(each.index, each.device) for each in info.workers] == list(enumerate(TWO))


def test_auto_employs_a_worker_for_each_further_device_that_the_first_one_sees(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        await made.until(lambda: len([worker for worker in made.dispatcher.workers if worker.ready]) == 3)
        os.kill(made.dispatcher.workers[0].info.pid, signal.SIGKILL)
        await made.until(lambda: made.dispatcher.workers[0].info.restarts and made.dispatcher.workers[0].ready)

        assert [worker.device for worker in made.dispatcher.workers] == ["auto", "cuda:1", "cuda:2"]

    play(tmp_path, scene, life="neighbours", devices=("auto",))


def test_a_device_that_is_lost_does_not_lose_the_deck(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        jobs = await made.deal(*["SLOW"] * 8)
        await made.until(lambda: all(worker.running for worker in made.dispatcher.workers))
        hit = set(made.dispatcher.workers[1].running)
        os.kill(made.dispatcher.workers[1].info.pid, signal.SIGKILL)
        ended = await made.ended(*jobs)

        assert {job.state for job in ended} == {State.DONE}
        assert {job.id for job in ended if job.attempts == 2} == hit
        detail = await made.store.get_batch("last")
        assert [len(slot.takes) for slot in detail.slots] == [1] * 8

    play(tmp_path, scene, devices=TWO, max_batch=1)


def test_while_one_device_is_broken_for_good_the_others_draw(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        ended = await made.ended(*await made.deal(*["card"] * 6))

        assert {job.state for job in ended} == {State.DONE}
        await made.until(lambda: made.dispatcher.workers[1].info.phase == "dead")
        assert made.dispatcher.info.phase in {"idle", "working"}
        assert made.dispatcher.info.detail == "1: This machine has no such device."

    play(tmp_path, scene, life="partial", devices=TWO)


def test_what_the_other_workers_are_writing_is_left_alone_when_one_dies(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        (slow,) = await made.deal("SLOW", steps=30)
        await made.drawing(slow)
        folder = made.root / "tarot"
        about = {"job": slow, "batch": "tarot", "slot": 1, "seed": 0}
        (folder / "01_writing.json").write_text(json.dumps(about))
        (folder / ".writing.part").write_text("half a picture")
        (fatal,) = await made.ended(*await made.deal("FATAL"))

        assert (fatal.state, fatal.attempts) == (State.DONE, 2)
        assert (folder / "01_writing.json").exists()
        assert (folder / ".writing.part").exists()

    play(tmp_path, scene, devices=TWO, max_batch=1)


# ---------------------------------------------------------------- two orders in hand


def test_while_files_are_written_the_next_order_is_drawn_and_no_third_one(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        seen = 0
        jobs = await made.deal(*["card"] * 6)

        def overlapping() -> bool:
            nonlocal seen
            seen = max(seen, len(made.dispatcher.running))
            return not made.dispatcher.waiting and not made.dispatcher.running

        await made.until(overlapping)
        ended = await made.ended(*jobs)

        assert seen == 2
        assert {(job.state, job.attempts) for job in ended} == {(State.DONE, 1)}

    play(tmp_path, scene, life="writing", max_batch=1)


def test_a_worker_that_dies_with_two_orders_gives_both_back(tmp_path: Path) -> None:
    async def scene(made: Scene) -> None:
        jobs = await made.deal(*["card"] * 4)
        await made.until(lambda: len(made.dispatcher.running) == 2)
        hit = set(made.dispatcher.running)
        os.kill(made.dispatcher.info.pid, signal.SIGKILL)
        ended = await made.ended(*jobs)

        assert {job.state for job in ended} == {State.DONE}
        assert {job.id for job in ended if job.attempts == 2} <= hit

    play(tmp_path, scene, life="writing", max_batch=1)


# ---------------------------------------------------------------- the disk


def test_a_full_disk_stops_the_queue_until_there_is_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "DISK_RETRY_S", 0.05)

    def fill(connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    async def scene(made: Scene) -> None:
        jobs = await made.deal(*["card"] * 40, steps=1)
        await made.store.run(fill)
        await made.until(lambda: made.dispatcher.info.detail.startswith("The disk is full"))
        await made.store.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
        ended = await made.ended(*jobs)

        assert {(job.state, job.attempts) for job in ended} == {(State.DONE, 1)}
        assert made.dispatcher.info.restarts == 0

    play(tmp_path, scene)


# ---------------------------------------------------------------- stop


def test_what_runs_when_the_daemon_stops_goes_back_and_is_not_counted(tmp_path: Path) -> None:
    async def whole(store: Store) -> list[Job]:
        made = Scene(store, tmp_path)
        await made.dispatcher.start()
        jobs = await made.deal("SLOW", "SLOW", "SLOW", steps=100)
        await made.drawing(jobs[0])
        await made.dispatcher.stop()
        return [await made.job(job) for job in jobs]

    jobs = with_store(tmp_path / "queue.db", whole)

    assert {(job.state, job.attempts) for job in jobs} == {(State.QUEUED, 0)}


def test_stopping_before_the_worker_is_up_leaves_nothing_behind(tmp_path: Path) -> None:
    async def whole(store: Store) -> int:
        made = Scene(store, tmp_path, "mute")
        await made.dispatcher.start()
        await made.until(lambda: made.dispatcher.info.pid)
        pid = made.dispatcher.info.pid
        monkey.setattr(keeper, "QUIT_S", 0.2)
        await made.dispatcher.stop()
        return pid

    with pytest.MonkeyPatch.context() as monkey:
        pid = with_store(tmp_path / "queue.db", whole)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
