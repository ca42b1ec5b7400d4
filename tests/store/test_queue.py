"""The store as a whole: what was answered stays, whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import decks
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from imagineerd.errors import Draining, Invalid, WrongState
from imagineerd.jobs import MAX_ATTEMPTS, MAX_RECOVERIES, State
from imagineerd.protocol import BatchAdded, JobMoved, JobsAdded, JobsPlaced, PauseChanged, Place, TakeAdded
from imagineerd.store import Store, moves, outbox, pages
from imagineerd.store.intake import Terms
from imagineerd.store.outbox import StoredEvent

T = TypeVar("T")
TESTS = Path(__file__).parents[1]


# ---------------------------------------------------------------- a day in the life


def test_a_deck_is_dealt_drawn_and_read_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"

    async def work(store: Store) -> None:
        dealt = await store.submit_batch(decks.deck("tarot", tmp_path), decks.key("k"), 10, 1.0)
        first, second, third = dealt.jobs
        await store.claim(dealt.jobs, 2.0)
        take = await store.finish(first, 1, decks.picture(), 3.0)
        assert take is not None
        assert await store.fail(second, 1, "E_OOM", "Too large.", 4.0)
        await store.cancel([third], None, 4.0)
        assert await store.stop(third, 1, 5.0)
        await store.set_pick(take.id, 6.0)
        await store.record_speed("starter", 0.5)

    async def look(store: Store) -> None:
        detail = await store.get_batch("last")
        assert [slot.state for slot in detail.slots] == [State.DONE, State.FAILED, State.CANCELLED]
        assert (await store.submit_batch(decks.deck("tarot", tmp_path), decks.key("k"), 10, 7.0)).repeated
        assert await store.speed("starter") == 0.5
        assert (await store.counts())["done"] == 1
        assert await store.running() == await store.waiting() == ()
        assert (await store.retry([], "tarot", 8.0)).jobs == (2,)

    decks.with_store(path, work)
    decks.with_store(path, look)


def test_every_method_reaches_its_function(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.submit_batch(decks.deck("tarot", tmp_path), decks.key("k"), 10, 1.0)
        await store.claim([1, 2], 2.0)
        assert await store.adopt(1, "tarot", 1, decks.picture(), 3.0) is not None
        assert await store.give_back(2, 1, "It died.", 3.0, counts=True) is State.QUEUED
        terms = Terms(priority=3)
        assert (await store.add_jobs("tarot", [(1, decks.spec(9))], None, 10, 4.0, terms=terms)).jobs == (4,)
        assert (await store.run(pages.job, 4)).priority == 3
        assert (await store.hold([4], None, 4.0)).jobs == (await store.release([4], None, 4.0)).jobs == (4,)
        assert (await store.place([4], None, "bottom", None, 4.0)).jobs == (4,)
        assert (await store.set_priority([4], None, 5, 4.0)).jobs == (4,)
        assert [job.id for job in (await store.queue(10, None)).jobs] == [4, 2, 3]
        await store.pause(4.0, paused=True)
        assert await store.is_paused()
        assert (await store.complete("tarot", None, 10, 4.0)).jobs == ()
        assert await store.find_batch("tar") == "tarot"
        assert await store.folder("tarot") == tmp_path / "tarot"
        assert await store.slot_specs("tarot", [2]) == {2: decks.spec(2)}
        assert (await store.get_take(1))[1] == tmp_path / "tarot"
        assert len((await store.list_jobs((), None, 10, None)).jobs) == 4
        assert [entry.job for entry in await store.waiting([3])] == [3]
        assert [batch.batch for batch in await store.unfinished()] == ["tarot"]
        assert await store.recover(5.0) == {}
        assert await store.prune_idem(2.0) == 1
        assert await store.prune_events(1) > 0

    decks.with_store(tmp_path / "queue.db", work)


def test_after_close_every_method_is_refused(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.close()
        with pytest.raises(Draining):
            await store.counts()

    decks.with_store(tmp_path / "queue.db", work)


def test_the_writer_answers_in_turn_also_where_the_database_refuses(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"

    async def work(store: Store) -> None:
        await store.run(lambda c: c.execute("PRAGMA busy_timeout = 0"))
        intruder = sqlite3.connect(path, isolation_level=None)
        intruder.execute("BEGIN IMMEDIATE")
        await store.answers()
        intruder.close()
        before = asyncio.ensure_future(store.record_speed("starter", 0.5))
        await asyncio.sleep(0)
        await store.answers()
        assert before.done()

    decks.with_store(path, work)


def test_an_error_of_one_request_leaves_those_beside_it(tmp_path: Path) -> None:
    async def work(store: Store) -> list[object]:
        requests = [
            store.submit_batch(decks.deck("a", tmp_path), decks.key("k"), 10, 1.0),
            store.submit_batch(decks.deck("b", tmp_path), decks.key("k", b"other"), 10, 1.0),
            store.get_batch("nothing"),
            store.submit_batch(decks.deck("c", tmp_path), None, 10, 1.0),
        ]
        results = await asyncio.gather(*requests, return_exceptions=True)
        await store.submit_batch(decks.deck("d", tmp_path), None, 10, 1.0)
        assert {batch.id for batch in (await store.list_batches(10, None)).batches} == {"a", "c", "d"}
        return [type(result).__name__ for result in results]

    assert decks.with_store(tmp_path / "queue.db", work) == ["Dealt", "Conflict", "NotFound", "Dealt"]


def test_a_job_is_claimed_by_one_of_many(tmp_path: Path) -> None:
    async def work(store: Store) -> list[int]:
        dealt = await store.submit_batch(decks.deck("tarot", tmp_path, 5), None, 10, 1.0)
        claims = await asyncio.gather(*(store.claim(dealt.jobs, 2.0) for _ in range(8)))
        return [len(claimed) for claimed in claims]

    assert sorted(decks.with_store(tmp_path / "queue.db", work)) == [0] * 7 + [5]


def test_ten_thousand_jobs_are_one_batch_or_many(tmp_path: Path) -> None:
    async def work(store: Store) -> dict[str, int]:
        await store.submit_batch(decks.deck("big", tmp_path, 5000), None, 10_000, 1.0)
        singles = (store.submit_batch(decks.deck("one", tmp_path, 1), None, 10_000, 1.0) for _ in range(50))
        await asyncio.gather(*singles)
        return await store.counts()

    assert decks.with_store(tmp_path / "queue.db", work)["queued"] == 5050


# ---------------------------------------------------------------- following


def test_a_snapshot_and_what_is_announced_after_it_are_everything(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        announced: list[StoredEvent] = []
        store.on_events = announced.extend
        assert store.on_events == announced.extend
        deals = (store.submit_batch(decks.deck("deck", tmp_path, 2), None, 100, 1.0) for _ in range(20))
        snaps = [store.snapshot() for _ in range(5)]
        results = await asyncio.gather(*deals, *snaps)
        for snap in results[20:]:
            later = [event for event in announced if event.seq > snap.seq]
            known = {job.id for job in snap.jobs} | {job for event in later for job in decks.decoded(event).jobs}
            assert known == set(range(1, 41))

    decks.with_store(tmp_path / "queue.db", work)


def test_events_are_replayed_of_this_database_only(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.submit_batch(decks.deck("tarot", tmp_path), None, 10, 1.0)
        replayed = await store.events_since(store.epoch, 0, 10)
        assert replayed is not None
        assert [event.kind for event in replayed] == ["batch_added"]
        assert await store.events_since("another", 0, 10) is None

    decks.with_store(tmp_path / "queue.db", work)


def test_the_numbers_of_events_go_on_after_a_restart(tmp_path: Path) -> None:
    announced: list[int] = []

    async def work(store: Store) -> None:
        store.on_events = lambda events: announced.extend(event.seq for event in events)
        await store.submit_batch(decks.deck("tarot", tmp_path), None, 100, 1.0)

    for _ in range(3):
        decks.with_store(tmp_path / "queue.db", work)

    assert announced == [1, 2, 3]


# ---------------------------------------------------------------- any order of things


class Replay:
    """The state and the place of every job, known from the events alone."""

    def __init__(self) -> None:
        self.states: dict[int, State] = {}
        self.places: dict[int, Place] = {}
        self.paused = False
        self.takes: dict[int, int] = {}
        self.seq = 0

    def hear(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            assert event.seq == self.seq + 1
            self.seq = event.seq
            self._apply(decks.decoded(event))

    def _apply(self, body: msgspec.Struct) -> None:
        match body:
            case BatchAdded() | JobsAdded():
                self.states.update(dict.fromkeys(body.jobs, State.QUEUED))
                for turn, job in enumerate(body.jobs, body.turn):
                    self.places[job] = Place(job, body.priority, turn, float(job))
            case JobsPlaced():
                self.places.update((place.job, place) for place in body.places)
            case PauseChanged():
                assert self.paused != body.paused
                self.paused = body.paused
            case JobMoved():
                self.states[body.job] = body.state
            case TakeAdded():
                assert body.take.job not in self.takes
                self.takes[body.take.job] = body.take.id

    def order(self) -> list[int]:
        """The jobs that wait, in the order of the queue."""
        waiting = [self.places[job] for job, state in self.states.items() if state is State.QUEUED]
        waiting.sort(key=lambda place: (-place.priority, place.turn, place.rank, place.job))
        return [place.job for place in waiting]


class AnyOrder(RuleBasedStateMachine):
    """A store, a model of it in a few dicts, and a listener to its events."""

    jobs = Bundle("jobs")
    terms = st.builds(Terms, client=st.sampled_from("ab"), priority=st.integers(-1, 1), hold=st.booleans())

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="im-store-"))
        self.loop = asyncio.new_event_loop()
        self.replay = Replay()
        self.model: dict[int, State] = {}
        self.attempts: dict[int, int] = {}
        self.stopping: set[int] = set()
        self.by_hand: set[int] = set()
        self.open()

    def open(self) -> None:
        self.store = Store.open(self.root / "queue.db")
        self.store.on_events = self.replay.hear

    def wait(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.wait(self.store.close())
        self.loop.close()
        shutil.rmtree(self.root)

    def end(self, job: int, state: State) -> None:
        self.model[job] = state
        if state is not State.HELD:
            self.by_hand.discard(job)
        if state is State.QUEUED:
            self.stopping.discard(job)

    def add(self, ids: Sequence[int]) -> None:
        assert not set(ids) & set(self.model)
        self.model.update(dict.fromkeys(ids, State.QUEUED))
        self.attempts.update(dict.fromkeys(ids, 0))

    def give_back(self, job: int, most: int = MAX_ATTEMPTS) -> State:
        if job in self.stopping:
            return State.CANCELLED
        return State.HELD if self.attempts[job] >= most else State.QUEUED

    @rule(target=jobs, cards=st.integers(1, 3), idem=st.none() | st.integers(0, 3), terms=terms)
    def submit(self, cards: int, idem: int | None, terms: Terms) -> object:
        key = None if idem is None else decks.key(f"{idem}", b"same")
        new = msgspec.structs.replace(decks.deck("deck", self.root, cards), terms=terms)
        dealt = self.wait(self.store.submit_batch(new, key, 1000, 1.0))
        if dealt.repeated:
            return multiple()
        self.add(dealt.jobs)
        if terms.hold:
            self.model.update(dict.fromkeys(dealt.jobs, State.HELD))
            self.by_hand.update(dealt.jobs)
        return multiple(*dealt.jobs)

    @rule(target=jobs)
    def complete(self) -> object:
        if not self.model:
            return multiple()
        dealt = self.wait(self.store.complete("last", None, 1000, 1.0))
        self.add(dealt.jobs)
        return multiple(*dealt.jobs)

    @rule(ids=st.lists(jobs, min_size=1, max_size=4, unique=True))
    def claim(self, ids: list[int]) -> None:
        claimed = [job.id for job in self.wait(self.store.claim(ids, 2.0))]
        assert claimed == [job for job in ids if self.model[job] is State.QUEUED]
        for job in claimed:
            self.attempts[job] += 1
            self.model[job] = State.RUNNING

    @rule(job=jobs, late=st.integers(0, 1))
    def finish(self, job: int, late: int) -> None:
        attempt = self.attempts[job] - late
        take = self.wait(self.store.finish(job, attempt, decks.picture(), 3.0))
        assert (take is not None) == (self.model[job] is State.RUNNING and not late)
        if take:
            self.end(job, State.DONE)

    @rule(job=jobs)
    def adopt(self, job: int) -> None:
        known = self.wait(self.store.run(pages.job, job))
        picture = decks.picture(seed=known.spec.seed)
        take = self.wait(self.store.adopt(job, known.batch, known.slot, picture, 3.0))
        was = self.model[job]
        assert (take is not None) == (was in {State.QUEUED, State.RUNNING, State.HELD})
        if take:
            self.attempts[job] += was is not State.RUNNING
            self.end(job, State.DONE)

    @rule(job=jobs, late=st.integers(0, 1), how=st.sampled_from([State.FAILED, State.CANCELLED]))
    def end_running(self, job: int, late: int, how: State) -> None:
        attempt = self.attempts[job] - late
        if how is State.FAILED:
            ended = self.wait(self.store.fail(job, attempt, "E_OOM", "Too large.", 3.0))
        else:
            ended = self.wait(self.store.stop(job, attempt, 3.0))
        assert ended == (self.model[job] is State.RUNNING and not late)
        if ended:
            self.end(job, how)

    @rule(job=jobs, late=st.integers(0, 1), counts=st.booleans())
    def worker_goes(self, job: int, late: int, *, counts: bool) -> None:
        attempt = self.attempts[job] - late
        place = self.wait(self.store.give_back(job, attempt, "It died.", 3.0, counts=counts))
        assert (place is not None) == (self.model[job] is State.RUNNING and not late)
        if place:
            expected = self.give_back(job)
            if not counts:
                self.attempts[job] -= 1
                expected = State.CANCELLED if job in self.stopping else State.QUEUED
            assert place is expected
            self.end(job, place)

    @rule(ids=st.lists(jobs, min_size=1, max_size=4, unique=True))
    def cancel(self, ids: list[int]) -> None:
        done = self.wait(self.store.cancel(ids, None, 4.0))
        assert sorted(done.cancelled + done.stopping + done.ended) == sorted(ids)
        assert set(done.stopping) == {job for job in ids if self.model[job] is State.RUNNING}
        assert {self.model[job] for job in done.ended} <= {State.DONE, State.CANCELLED}
        self.stopping.update(done.stopping)
        for job in done.cancelled:
            self.end(job, State.CANCELLED)

    @rule(ids=st.lists(jobs, min_size=1, max_size=4, unique=True))
    def retry(self, ids: list[int]) -> None:
        again = [job for job in ids if self.model[job] in {State.FAILED, State.CANCELLED, State.HELD}]
        if not again:
            with pytest.raises(WrongState):
                self.wait(self.store.retry(ids, None, 5.0))
            return
        assert self.wait(self.store.retry(ids, None, 5.0)).jobs == tuple(again)
        self.queue_again(again)

    @rule(ids=st.lists(jobs, min_size=1, max_size=4, unique=True))
    def hold(self, ids: list[int]) -> None:
        held = [job for job in ids if self.model[job] in {State.QUEUED, State.HELD}]
        if not held:
            with pytest.raises(WrongState):
                self.wait(self.store.hold(ids, None, 5.0))
            return
        assert self.wait(self.store.hold(ids, None, 5.0)).jobs == tuple(held)
        self.by_hand.update(job for job in held if self.model[job] is State.QUEUED)
        for job in held:
            self.end(job, State.HELD)

    @rule(ids=st.lists(jobs, min_size=1, max_size=4, unique=True))
    def release(self, ids: list[int]) -> None:
        held = [job for job in ids if self.model[job] is State.HELD]
        if not held:
            with pytest.raises(WrongState):
                self.wait(self.store.release(ids, None, 5.0))
            return
        assert self.wait(self.store.release(ids, None, 5.0)).jobs == tuple(held)
        self.queue_again(held)

    @rule()
    def retry_failed(self) -> None:
        again = [job for job, state in self.model.items() if state in {State.FAILED, State.HELD}]
        again = [job for job in again if self.model[job] is State.FAILED or job not in self.by_hand]
        assert sorted(self.wait(self.store.retry([], None, 5.0, failed=True)).jobs) == sorted(again)
        self.queue_again(again)

    def queue_again(self, jobs: list[int]) -> None:
        for job in jobs:
            self.attempts[job] = 0
            self.end(job, State.QUEUED)

    @rule(ids=st.lists(jobs, min_size=1, max_size=3, unique=True), where=st.sampled_from(["top", "bottom"]) | jobs)
    def place(self, ids: list[int], where: Any) -> None:
        end, before = (where, None) if isinstance(where, str) else (None, where)
        waiting = [job for job in ids if self.model[job] is State.QUEUED]
        wrong = not waiting or (before and (self.model[before] is not State.QUEUED or before in waiting))
        if wrong:
            with pytest.raises((WrongState, Invalid)):
                self.wait(self.store.place(ids, None, end, before, 5.0))
            return
        self.wait(self.store.place(ids, None, end, before, 5.0))
        order = self.replay.order()
        at = {"top": 0, "bottom": len(order) - len(waiting)}.get(end)
        at = order.index(before) - len(waiting) if at is None else at
        assert order[at : at + len(waiting)] == waiting

    @rule(ids=st.lists(jobs, min_size=1, max_size=3, unique=True), priority=st.integers(-1, 1))
    def set_priority(self, ids: list[int], priority: int) -> None:
        waiting = [job for job in ids if self.model[job] is State.QUEUED]
        if not waiting:
            with pytest.raises(WrongState):
                self.wait(self.store.set_priority(ids, None, priority, 5.0))
            return
        self.wait(self.store.set_priority(ids, None, priority, 5.0))
        assert {self.replay.places[job].priority for job in waiting} == {priority}

    @rule(paused=st.booleans())
    def pause(self, *, paused: bool) -> None:
        self.wait(self.store.pause(5.0, paused=paused))
        assert self.replay.paused == paused

    @rule(clean=st.booleans())
    def restart(self, *, clean: bool) -> None:
        if not clean:  # what a crash leaves: the file as it is, with its log
            copy = Path(tempfile.mkdtemp(prefix="im-store-"))
            for path in self.root.iterdir():
                shutil.copy(path, copy)
        self.wait(self.store.close())
        if not clean:
            shutil.rmtree(self.root)
            self.root = copy
        self.open()
        recovered = self.wait(self.store.recover(6.0))
        running = {job for job, state in self.model.items() if state is State.RUNNING}
        assert recovered == {job: self.give_back(job, MAX_RECOVERIES) for job in running}
        for job, place in recovered.items():
            self.end(job, place)

    @invariant()
    def no_job_is_lost_and_none_is_where_it_should_not_be(self) -> None:
        self.wait(self.store.run(self.compare))

    def compare(self, connection: sqlite3.Connection) -> None:
        jobs = pages.list_jobs(connection, (), None, 1000, None).jobs
        assert {job.id: job.state for job in jobs} == self.model
        assert {job.id: job.attempts for job in jobs} == self.attempts
        counts = pages.counts(connection)
        assert counts == {state.value: list(self.model.values()).count(state) for state in State}
        for batch in pages.list_batches(connection, 1000, None).batches:
            self.compare_batch(connection, batch.id)

    def compare_batch(self, connection: sqlite3.Connection, name: str) -> None:
        batch, slots = msgspec.structs.astuple(pages.get_batch(connection, name))
        assert batch.takes == sum(len(slot.takes) for slot in slots)
        assert sum(batch.states.values()) == batch.slots == len(slots)
        for slot in slots:
            assert slot.state is self.model[slot.job]
            assert (slot.pick is not None) == bool(slot.takes)

    @invariant()
    def the_events_tell_the_same_as_the_tables(self) -> None:
        assert self.replay.states == self.model
        assert set(self.replay.takes) == {job for job, state in self.model.items() if state is State.DONE}
        assert self.replay.seq == self.wait(self.store.run(outbox.newest))
        assert self.replay.order() == [entry.job for entry in self.wait(self.store.waiting())]
        assert self.replay.paused == self.wait(self.store.is_paused())


AnyOrder.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),  # a busy disk is no fault of the store
)
TestAnyOrder = AnyOrder.TestCase


# ---------------------------------------------------------------- kill -9


def killed_after(path: Path, lines: int) -> dict[int, str]:
    """Let the victim work until it has said so much, kill it, and return the last acknowledged state of each job."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS)))}
    command = [sys.executable, str(TESTS / "victim.py"), str(path)]
    acked: dict[int, str] = {}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        for _ in range(lines):
            state, *jobs = victim.stdout.readline().split()
            acked.update((int(job), state) for job in jobs)
        victim.kill()
        rest = victim.stdout.read()
    for line in rest.splitlines(keepends=True):
        if line.endswith("\n"):
            state, *jobs = line.split()
            acked.update((int(job), state) for job in jobs)
    return acked


def states_of(connection: sqlite3.Connection) -> dict[int, moves.Entry]:
    rows = connection.execute("SELECT id FROM job").fetchall()
    return {job: moves.find(connection, job) for (job,) in rows}


REACHED = {
    "queued": set(State),
    "held": {State.HELD},
    "running": {State.RUNNING, State.DONE, State.CANCELLED},
    "done": {State.DONE},
    "stopping": {State.RUNNING},
}


def test_nothing_that_was_answered_is_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    chance = random.Random(9)  # noqa: S311  a game of chance, not a secret
    done: set[int] = set()

    async def check(store: Store, acked: dict[int, str]) -> None:
        assert await store.run(lambda c: c.execute("PRAGMA integrity_check").fetchone()) == ("ok",)
        entries = await store.run(states_of)
        for job, state in acked.items():
            assert entries[job].state in REACHED[state]
            assert entries[job].cancel_requested or state != "stopping"
        replay = Replay()
        replay.hear(await store.run(outbox.after, 0))
        assert replay.states == {job: entry.state for job, entry in entries.items()}
        assert replay.order() == [entry.job for entry in await store.waiting()]
        assert replay.paused == await store.is_paused()
        await store.recover(9.0)
        assert await store.running() == ()
        assert done <= set(replay.takes)

    for _ in range(10):
        acked = killed_after(path, chance.randint(1, 60))
        done.update(job for job, state in acked.items() if state == "done")
        decks.with_store(path, lambda store, acked=acked: check(store, acked))
