"""Who is next: priority, turns, ranks, company; and nobody waits for ever, whatever comes after him."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd.jobs import INTERACTIVE, model_of, shape_of, weights_of
from imagineerd.scheduler import (
    AHEAD,
    PATIENCE,
    WORTH,
    Batch,
    Setup,
    Waiting,
    call_size,
    due,
    next_batch,
    next_turn,
    passed_over,
    ranks,
)

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


# ---------------------------------------------------------------- the size of a call

FIXED = (1, 4, 8, 16, 18)
A100 = {1: 1.73, 4: 3.05, 8: 5.79, 16: 11.0, 18: 12.4}
"""Seconds of a call; on a CPU they grow with the size."""
tables = st.builds(lambda seconds: dict(zip(FIXED, seconds, strict=True)), st.tuples(*[st.floats(0.01, 9)] * 5))


def calls_for(count: int, seconds: Mapping[int, float], fixed: Sequence[int] = FIXED) -> list[int]:
    """Return the sizes of the calls that so many pictures are drawn in."""
    drawn = []
    while count > 0:
        drawn.append(call_size(count, fixed, seconds))
        count -= drawn[-1]
    return drawn


def test_where_nothing_was_measured_no_call_is_padded_unless_it_must_be() -> None:
    assert calls_for(55, {}) == [18, 18, 18, 1]
    assert calls_for(7, {1: 1.0, 4: 1.0}) == [4, 1, 1, 1]
    assert calls_for(3, {}, (2, 4)) == [2, 2]


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        (1, [1]),
        (2, [4]),
        (3, [4]),
        (5, [4, 1]),
        (6, [8]),
        (12, [8, 4]),
        (14, [16]),
        (22, [18, 4]),
        (32, [16, 16]),
        (54, [18, 18, 18]),
        (1000, [18] * 52 + [16, 16, 16, 16]),
    ],
)
def test_on_a_gpu_a_padded_call_is_drawn_sooner_than_several_small_ones(count: int, wanted: list[int]) -> None:
    assert calls_for(count, A100) == wanted


def test_where_time_grows_with_the_size_nothing_is_padded() -> None:
    assert calls_for(55, {size: float(size) for size in FIXED}) == [18, 18, 18, 1]


@given(st.integers(1, 200), tables)
def test_pictures_are_never_drawn_later_than_in_calls_that_they_fill(count: int, seconds: dict[int, float]) -> None:
    took, greedy = (sum(seconds[size] for size in calls_for(count, table)) for table in (seconds, {}))

    assert took <= greedy + 1e-9


def test_a_call_is_sized_by_what_was_measured_of_its_own_model_and_size() -> None:
    queue = [job(number, group=of("ink")) for number in (1, 2, 3)]
    setup = Setup(calls={shape_of(of("gold")): A100})

    assert chosen(queue, FIXED, setup=setup) == Batch((1, 2, 3), 4)
    assert chosen(queue, FIXED, setup=Setup(calls={shape_of(of(size="9x9")): A100})) == Batch((1,), 1)


# ---------------------------------------------------------------- what the worker has loaded


def of(mix: str = "", size: str = "8x8", model: str = "m", steps: int = 20) -> str:
    """Return a group key."""
    return f"{model}||{mix}|{size}|dpm++|{steps}"


def drew(group: str) -> Setup:
    """Return the setup of a worker that drew this group last, where a change takes longer than many calls."""
    return Setup(group, model_s=1000.0, mix_s=500.0, step_s=0.01)


GROUPS = [of(mix, size, model) for mix in ("a", "b", "c") for size in ("8x8", "8x9") for model in ("m", "n")]


def in_line(number: int, turn: int, group: str) -> Waiting:
    return job(number, group=group, turn=turn)


lines = st.lists(
    st.builds(in_line, st.integers(1, 500), st.integers(0, 20), st.sampled_from(GROUPS)),
    max_size=40,
    unique_by=lambda entry: entry.job,
)


def test_what_needs_the_loaded_mix_goes_before_what_needs_another() -> None:
    queue = [job(1, group=of("a"), turn=1), job(2, group=of("b"), turn=0)]

    assert chosen(queue, setup=drew(of("b"))).jobs == chosen(queue).jobs == (2,)
    assert chosen(queue, setup=drew(of("a", steps=9))).jobs == (1,)


def test_of_one_mix_the_same_size_goes_first_and_of_one_model_the_same_mix() -> None:
    queue = [
        job(1, group=of("a", "8x9"), turn=3),
        job(2, group=of("a"), turn=2),
        job(3, group=of("b"), turn=1),
        job(4, group=of("b", model="n")),
    ]
    order = []
    loaded = of("a", "8x9", steps=9)
    while queue:
        number = chosen(queue, SIZES, setup=drew(loaded)).jobs[0]
        loaded = next(entry.group for entry in queue if entry.job == number)
        queue = [entry for entry in queue if entry.job != number]
        order.append(number)

    assert order == [1, 2, 3, 4]


def test_nobody_goes_so_far_ahead_that_his_turn_is_a_few_calls_away() -> None:
    def first(turn: int) -> int:
        return chosen([job(1, group=of("a"), turn=turn), job(2, group=of("b"))], setup=drew(of("a"))).jobs[0]

    assert first(AHEAD * max(SIZES) - 1) == 1
    assert first(AHEAD * max(SIZES)) == 2


def test_nobody_goes_ahead_of_what_was_there_before_him() -> None:
    assert chosen([job(2, group=of("a"), turn=1), job(1, group=of("b"))], setup=drew(of("a"))).jobs == (1,)


def test_nobody_goes_ahead_of_a_higher_priority() -> None:
    assert chosen([job(1, group=of("a")), job(2, 5, group=of("b"))], setup=drew(of("a"))).jobs == (2,)


def test_nobody_goes_ahead_of_what_a_person_put_first() -> None:
    assert chosen([job(1, group=of("a")), job(2, group=of("b"), rank=0.5)], setup=drew(of("a"))).jobs == (2,)


def test_one_that_has_seen_a_worker_die_goes_ahead_of_nobody() -> None:
    queue = [job(1, group=of("a"), turn=1, attempts=1), job(2, group=of("b"))]

    assert chosen(queue, setup=drew(of("a"))).jobs == (2,)


def drawn(queue: Sequence[Waiting], fixed: Sequence[int], *, mindful: bool) -> list[Waiting]:
    """Return the leaders of the calls that draw a queue, in order, `mindful` of what is loaded or not."""
    waiting, leaders, setup = {entry.job: entry for entry in queue}, list[Waiting](), Setup()
    while batch := next_batch(waiting.values(), fixed, setup=setup):
        leaders.append(waiting[batch.jobs[0]])
        setup = drew(leaders[-1].group) if mindful else setup
        for number in batch.jobs:
            del waiting[number]
    return leaders


def changes(leaders: Sequence[Waiting], part: Callable[[str], object]) -> int:
    """Count how often a part of the group changes from call to call."""
    return sum(part(one.group) != part(other.group) for one, other in itertools.pairwise(leaders))


@given(lines)
def test_picture_by_picture_the_model_changes_no_more_often_than_in_the_order_of_the_queue(line: list[Waiting]) -> None:
    mindful, plain = (drawn(line, (1,), mindful=mindful) for mindful in (True, False))

    assert changes(mindful, model_of) <= changes(plain, model_of)
    assert sorted(entry.job for entry in mindful) == sorted(entry.job for entry in line)


@given(lines)
def test_of_one_model_the_mix_changes_no_more_often_than_in_the_order_of_the_queue(line: list[Waiting]) -> None:
    line = [entry for entry in line if model_of(entry.group)[0] == "m"]
    mindful, plain = (drawn(line, (1,), mindful=mindful) for mindful in (True, False))

    assert changes(mindful, weights_of) <= changes(plain, weights_of)


seconds = st.sampled_from([0.0, 0.001, 0.1, 1.0, 60.0])
calls = st.dictionaries(st.sampled_from([shape_of(group) for group in GROUPS]), tables)
setups = st.builds(Setup, st.sampled_from(GROUPS), seconds, seconds, seconds, calls)


@given(lines, sizes, setups)
def test_who_leads_is_the_head_or_an_older_one_whose_turn_is_near_and_who_spares_a_change_that_counts(
    line: list[Waiting], fixed: tuple[int, ...], setup: Setup
) -> None:
    if batch := next_batch(line, fixed, setup=setup):
        head = min(line, key=lambda entry: entry.key)
        leader = next(entry for entry in line if entry.job == batch.jobs[0])
        spared = setup.change_s(head.group) - setup.change_s(leader.group)
        near = leader.job < head.job and leader.turn < head.turn + AHEAD * fixed[-1]
        assert leader is head or (near and spared > 0 and spared >= WORTH * 20 * fixed[-1] * setup.step_s)


@given(lines, sizes, setups, st.integers(INTERACTIVE, 100))
def test_where_somebody_waits_for_his_picture_the_order_of_the_queue_is_kept_whatever_is_loaded(
    line: list[Waiting], fixed: tuple[int, ...], setup: Setup, priority: int
) -> None:
    decks = [msgspec.structs.replace(entry, job=entry.job + 500) for entry in line]
    asked = [msgspec.structs.replace(entry, priority=priority) for entry in line]

    batch, plain = next_batch([*decks, *asked], fixed, setup=setup), next_batch(asked, fixed)
    assert (batch and batch.jobs[0]) == (plain and plain.jobs[0])


def test_a_change_that_takes_a_moment_is_no_reason_to_overtake_and_one_that_was_not_measured_is_none_either() -> None:
    queue = [job(1, group=of("a"), turn=1), job(2, group=of("b"))]
    call_s = max(SIZES) * 20 * 0.1

    def first(mix_s: float) -> int:
        return chosen(queue, setup=Setup(of("a"), model_s=9.0, mix_s=mix_s, step_s=0.1)).jobs[0]

    assert [first(share * call_s) for share in (0.0, WORTH / 2, 2 * WORTH, 1.0)] == [2, 2, 1, 1]


def test_a_change_of_the_size_alone_takes_nothing_and_so_nobody_is_overtaken_for_it() -> None:
    queue = [job(1, group=of("a", "8x9"), turn=1), job(2, group=of("a"))]

    assert chosen(queue, setup=drew(of("a", "8x9"))).jobs == (2,)


@given(lines, st.randoms(use_true_random=False), setups)
def test_the_order_in_which_jobs_are_told_of_makes_no_difference(
    line: list[Waiting], random: Random, setup: Setup
) -> None:
    shuffled = random.sample(line, len(line))

    assert next_batch(shuffled, SIZES, setup=setup) == next_batch(line, SIZES, setup=setup)


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
    """A queue of one priority whose jobs are given turns as they come, and drawn one by one.

    Each client draws with a mix of its own, so that weights have to change for everybody's turn.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[str, Waiting]] = {}
        self.numbers = itertools.count(1)
        self.setup = Setup()

    def come(self, client: str, count: int = 1) -> list[int]:
        front = min((entry.turn for _, entry in self.waiting.values()), default=None)
        last = max((entry.turn for owner, entry in self.waiting.values() if owner == client), default=None)
        turn = next_turn(front, last)
        new = [job(next(self.numbers), group=of(client), turn=turn + place) for place in range(count)]
        self.waiting.update((entry.job, (client, entry)) for entry in new)
        return [entry.job for entry in new]

    def draw(self) -> str:
        (number,) = chosen([entry for _, entry in self.waiting.values()], (1,), setup=self.setup).jobs
        owner, entry = self.waiting.pop(number)
        self.setup = drew(entry.group)
        return owner


def test_who_asks_for_little_does_not_wait_for_him_who_asked_for_very_much() -> None:
    line = Line()
    line.come("greedy", 1000)
    for _ in range(100):
        line.draw()
    line.come("modest", 3)

    assert [line.draw() for _ in range(2 * (AHEAD + 1) + 3)].count("modest") == 3


def test_who_comes_alone_is_served_in_the_order_in_which_he_came() -> None:
    line = Line()
    first, second = line.come("a", 3), line.come("a", 2)

    assert sorted(entry.key[-1] for _, entry in line.waiting.values()) == first + second
    assert [entry.turn for _, entry in line.waiting.values()] == [0, 1, 2, 3, 4]


def test_to_come_back_again_and_again_gives_no_advantage_and_each_time_a_bounded_wait() -> None:
    line = Line()
    line.come("patient", 200)
    line.come("pushy")
    served = []
    for _ in range(100):
        served.append(line.draw())
        if served[-1] == "pushy":
            line.come("pushy")

    waits = "".join(who[1] for who in served).split("u")  # patient, pushy
    assert served.count("pushy") <= served.count("patient")
    assert max(map(len, waits)) <= AHEAD


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

        assert abs(served["x"] - served["y"]) <= AHEAD


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

        assert passed <= AHEAD  # those of the one that came before


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
