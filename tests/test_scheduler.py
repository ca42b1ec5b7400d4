"""Who is next: priority, turns, ranks, company; and nobody waits for ever, whatever comes after him."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd.scheduler import PATIENCE, Batch, Waiting, due, next_batch, next_turn, passed_over, ranks

SIZES = (1, 4)
entries = st.builds(
    Waiting,
    job=st.integers(1, 10_000),
    priority=st.integers(-2, 2),
    turn=st.integers(0, 5),
    rank=st.integers(0, 5).map(float),
    group=st.sampled_from(["a", "b", "c"]),
    attempts=st.integers(0, 1),
)
queues = st.lists(entries, max_size=40, unique_by=lambda entry: entry.job)
sizes = st.sampled_from([(1,), (1, 4), (2, 4), (1, 2, 4, 8)])


def job(number: int, priority: int = 0, group: str = "a", **more: Any) -> Waiting:
    """Return a job that is the oldest one's follower, as if its client were alone."""
    return Waiting(number, priority, more.pop("turn", 0), more.pop("rank", float(number)), group, **more)


def chosen(waiting: Sequence[Waiting], fixed: Sequence[int] = SIZES, **more: Any) -> Batch:
    batch = next_batch(waiting, fixed, **more)
    assert batch is not None
    return batch


# ---------------------------------------------------------------- who is next


def test_nothing_is_drawn_when_nothing_waits() -> None:
    assert next_batch([], SIZES) is None


def test_the_oldest_job_goes_first() -> None:
    assert chosen([job(2), job(1, group="b")], (1,)).jobs == (1,)


def test_a_higher_priority_goes_before_an_earlier_turn() -> None:
    assert chosen([job(1), job(2, 5, turn=3)]).jobs == (2,)


def test_an_earlier_turn_goes_before_age() -> None:
    assert chosen([job(1, turn=1), job(2)], (1,)).jobs == (2,)


def test_in_one_turn_rank_goes_before_age() -> None:
    assert chosen([job(1), job(2, rank=0.5)], (1,)).jobs == (2,)


def test_jobs_of_one_group_ride_along_even_if_others_stand_between_them() -> None:
    queue = [job(1), job(2, group="b"), job(3), job(4), job(5)]

    assert chosen(queue) == Batch((1, 3, 4, 5), 4)


def test_a_job_whose_worker_died_runs_alone() -> None:
    assert chosen([job(1, attempts=1), job(2), job(3)]).jobs == (1,)


def test_nobody_rides_along_who_has_seen_a_worker_die() -> None:
    assert chosen([job(1), job(2, attempts=1), job(3)], (1, 2, 4)).jobs == (1, 3)


@given(queues, sizes)
def test_a_call_shares_one_group_and_one_fixed_size(queue: list[Waiting], fixed: tuple[int, ...]) -> None:
    batch = next_batch(queue, fixed)

    by_id = {entry.job: entry for entry in queue}
    together = [by_id[job] for job in batch.jobs] if batch else []
    assert len({(entry.group, entry.priority) for entry in together}) <= 1
    assert batch is None or (batch.size in fixed and len(batch.jobs) <= batch.size)


@given(queues, sizes)
def test_whoever_is_at_the_front_is_drawn_and_so_everybody_is(queue: list[Waiting], fixed: tuple[int, ...]) -> None:
    waiting = {entry.job: entry for entry in queue}
    drawn: list[int] = []
    while batch := next_batch(waiting.values(), fixed):
        head = min(waiting.values(), key=lambda entry: entry.key)
        assert head.job in batch.jobs
        drawn += batch.jobs
        for number in batch.jobs:
            del waiting[number]

    assert sorted(drawn) == sorted(entry.job for entry in queue)


# ---------------------------------------------------------------- priorities


def test_a_priority_that_was_passed_over_often_enough_has_the_next_call() -> None:
    queue = [job(1), job(2, 5)]

    assert chosen(queue, passed={0: PATIENCE - 1}).jobs == (2,)
    assert chosen(queue, passed={0: PATIENCE}).jobs == (1,)


@given(st.sets(st.integers(-100, 100), min_size=1, max_size=8), st.integers(1, 200))
def test_no_priority_waits_for_ever_however_busy_the_others_are(levels: set[int], calls: int) -> None:
    passed: dict[int, int] = {}
    for _ in range(calls):
        passed = passed_over(levels, due(levels, passed), passed)
        assert max(passed.values(), default=0) <= PATIENCE + len(levels)


@given(st.sets(st.integers(-100, 100), min_size=2, max_size=2))
def test_of_two_the_higher_priority_has_four_calls_of_five(levels: set[int]) -> None:
    passed: dict[int, int] = {}
    had = []
    for _ in range(50):
        had.append(due(levels, passed))
        passed = passed_over(levels, had[-1], passed)

    assert had.count(max(levels)) == 40
    assert had[:4] == [max(levels)] * 4


# ---------------------------------------------------------------- turns


class Line:
    """A queue of one priority whose jobs are given turns as they come, and drawn one by one."""

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[str, Waiting]] = {}
        self.numbers = itertools.count(1)

    def come(self, client: str, count: int = 1) -> list[int]:
        front = min((entry.turn for _, entry in self.waiting.values()), default=None)
        last = max((entry.turn for owner, entry in self.waiting.values() if owner == client), default=None)
        turn = next_turn(front, last)
        new = [job(next(self.numbers), turn=turn + place) for place in range(count)]
        self.waiting.update((entry.job, (client, entry)) for entry in new)
        return [entry.job for entry in new]

    def draw(self) -> str:
        (number,) = chosen([entry for _, entry in self.waiting.values()], (1,)).jobs
        return self.waiting.pop(number)[0]


def test_who_asks_for_little_does_not_wait_for_him_who_asked_for_very_much() -> None:
    line = Line()
    line.come("greedy", 1000)
    for _ in range(100):
        line.draw()
    line.come("modest", 3)

    assert [line.draw() for _ in range(6)].count("modest") == 3


def test_who_comes_alone_is_served_in_the_order_in_which_he_came() -> None:
    line = Line()
    first, second = line.come("a", 3), line.come("a", 2)

    assert sorted(entry.key[-1] for _, entry in line.waiting.values()) == first + second
    assert [entry.turn for _, entry in line.waiting.values()] == [0, 1, 2, 3, 4]


def test_to_come_back_again_and_again_gives_no_advantage() -> None:
    line = Line()
    line.come("patient", 200)
    line.come("pushy")
    served = []
    for _ in range(100):
        served.append(line.draw())
        if served[-1] == "pushy":
            line.come("pushy")

    assert abs(served.count("pushy") - served.count("patient")) <= 1


happenings = st.lists(st.one_of(st.none(), st.tuples(st.sampled_from("abc"), st.integers(1, 30))), max_size=60)


@settings(deadline=None)
@given(happenings)
def test_of_those_who_wait_all_the_time_none_gets_more_than_its_share(happened: list[tuple[str, int] | None]) -> None:
    line = Line()
    line.come("x", 200)
    line.come("y", 200)
    served = {"x": 0, "y": 0}
    for what in happened:
        if what is not None:
            line.come(*what)
        elif (who := line.draw()) in served:
            served[who] += 1

        assert abs(served["x"] - served["y"]) <= 1


@settings(deadline=None)
@given(happenings, st.integers(0, 5))
def test_who_comes_is_served_within_a_bound_that_nobody_who_comes_later_can_move(
    happened: list[tuple[str, int] | None], before: int
) -> None:
    line = Line()
    line.come("greedy", 200)
    for _ in range(before):
        line.draw()
    (mine,) = line.come("me")
    passed = 0
    for what in happened:
        if what is not None:
            line.come(*what)
        elif mine in line.waiting:
            passed += line.draw() != "me"

        assert passed <= 1  # the one at the front


# ---------------------------------------------------------------- ranks


def test_a_rank_at_the_end_is_less_than_one_away_so_that_the_next_to_come_stands_behind() -> None:
    assert ranks(7.0, None, 3) == (7.25, 7.5, 7.75)


def test_a_rank_at_the_front_needs_nobody_before_it() -> None:
    assert ranks(None, 7.0, 1) == (6.5,)
    assert ranks(None, None, 2) == (0.0, 1.0)


places = st.none() | st.integers(0, 10**9).map(float)


@given(places, places, st.integers(1, 50))
def test_ranks_stand_between_their_neighbours_or_there_is_no_room(
    after: float | None, before: float | None, count: int
) -> None:
    if after is not None and before is not None:
        after, before = min(after, before), max(after, before)
    found = ranks(after, before, count)

    assert (found is None) == (after is not None and after == before)
    for one, other in itertools.pairwise([after, *(found or ()), before]):
        assert one is None or other is None or one < other or found is None


def test_room_runs_out_in_the_end() -> None:
    before, moves = 1.0, 0
    while found := ranks(0.5, before, 1):
        before, moves = found[0], moves + 1

    assert moves > 40
