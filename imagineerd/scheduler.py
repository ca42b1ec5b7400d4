"""Which jobs to draw next, and where a new job stands: pure functions of what waits. No I/O, no clock.

The order of the queue: the highest priority first, then by turn, then by rank, then the oldest. A job is given its turn
once, when it is queued, by the rule of start-time fair queueing (Goyal, Vin, Cheng 1996): the first of a client's jobs
takes the turn that is now at the front, each further one the turn after. So clients that wait together are served in
turns, whoever came first and however much it asked for, and the order is known as soon as a job is accepted. Rank
orders the jobs of one turn: it is the job's id, until a person moves the job.

The leader of a call decides the group (model, mix, size, steps, sampler: what one UNet call needs to share); the next
others of that group and priority ride along, up to the largest fixed batch size. Batch sizes are a few fixed ones
because a picture's bits depend on them; what does not fill the largest is drawn in the calls that take least time
together (`call_size`). A priority that was passed over by `PATIENCE` calls in a row has the next one:
what is urgent goes first, and still nobody waits for ever.

The leader is the job at the head, unless another one is nearer to what the worker drew last: the same model, better
the same mix, too, best the same size as well. So weights change less often. A nearer job goes ahead of the head

- only where that spares a change which takes its time beside a call, by what the worker measured (`WORTH`): whoever is
  overtaken waits for a call more, so that a mix that is merged in a moment is no reason;
- never where somebody waits for his picture (`INTERACTIVE`): who is overtaken there gains nothing by it, and all that
  he would wait for it is one call;
- only in its own priority, and where its turn comes by less than that of `AHEAD` of the largest calls later: no client
  gets more than those pictures ahead of one that waits, and is overtaken in turn until they are even;
- only if it is older: whoever comes later, however often, takes nothing from one that waits, and what one client asked
  for stays in its order;
- never ahead of what a person has put in its place.

What waits is drawn with no more changes of the model than in the order of the queue, and of one model, picture by
picture, with no more changes of the mix.

A job whose worker died runs alone, so that a poison job takes no innocent neighbour with it when it kills again; it
goes ahead of nobody.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from imagineerd.jobs import INTERACTIVE, canvas_of, model_of, shape_of, steps_of, weights_of

PATIENCE = 4
"""Calls in a row by which a priority may be passed over."""
AHEAD = 2
"""Calls of the largest size by whose turns a job may go ahead of the head for the sake of the loaded weights."""
WORTH = 0.05
"""Part of the largest call's time that a change must take, for anybody to be overtaken for its sake.

Decks whose mixes alternate gain about as large a part of their time by it, and nothing else gains: grids wait longer.
"""
FAR = 4
"""Of the largest calls as many as are looked ahead for sizes that leave nothing over."""
NOBODY: Mapping[int, int] = MappingProxyType({})


class Waiting(msgspec.Struct, frozen=True):
    """A queued job as the scheduler sees it; `key` is its place in the queue, a lower one goes first.

    `attempts` counts the starts that its worker did not survive.
    """

    job: int
    priority: int
    turn: int
    rank: float
    group: str
    lane: str = "gpu"
    attempts: int = 0

    @property
    def key(self) -> tuple[int, int, float, int]:
        """Its place: priority (the highest first), turn, rank, age."""
        return (-self.priority, self.turn, self.rank, self.job)

    @property
    def placed(self) -> bool:
        """Whether a person has put it where it is."""
        return self.rank != self.job


class Setup(msgspec.Struct, frozen=True):
    """What a worker drew last, and what it takes to change that: seconds of its last change of the model and of the
    mix, and of a sampler step of one picture; 0 where none was measured. `calls` has the seconds of a UNet call by its
    fixed size, for each model and picture size (`shape_of`) of which they were measured.
    """

    group: str = ""
    model_s: float = 0.0
    mix_s: float = 0.0
    step_s: float = 0.0
    calls: Mapping[str, Mapping[int, float]] = {}

    def change_s(self, group: str) -> float:
        """Return the seconds until this group can be drawn."""
        new_model, new_weights = model_of(group) != model_of(self.group), weights_of(group) != weights_of(self.group)
        return self.model_s * new_model + self.mix_s * new_weights

    def call_s(self, group: str) -> Mapping[int, float]:
        """Return the seconds of a call of this group by its fixed size; empty where they were not measured."""
        return self.calls.get(shape_of(group), {})


UNKNOWN = Setup()


class Batch(msgspec.Struct, frozen=True):
    """The next UNet call: its jobs in the order of the queue, and the fixed size it runs at (`len(jobs)` or more)."""

    jobs: tuple[int, ...]
    size: int


def next_batch(
    waiting: Iterable[Waiting],
    sizes: Sequence[int],
    passed: Mapping[int, int] = NOBODY,
    setup: Setup = UNKNOWN,
    free: int = 1,
) -> Batch | None:
    """Choose the next call from the jobs of one lane, in any order; None when nothing waits.

    `sizes` are the fixed batch sizes, ascending, not empty. `passed` counts, by priority, the calls in a row that went
    to another one. `setup` is the worker's. Where `free` workers are waiting for
    a call, this one takes its share of the group, so that all of them draw.
    """
    queue = sorted(waiting, key=lambda entry: entry.key)
    if not queue:
        return None
    level = due({entry.priority for entry in queue}, passed)
    first: dict[tuple[str, bool], Waiting] = {}
    for entry in queue:
        if entry.priority == level:
            first.setdefault((entry.group, entry.attempts > 0), entry)
    leader = lead(tuple(first.values()), sizes, setup)
    mates = [leader.job] if leader.attempts else [entry.job for entry in queue if _may_join(entry, leader)]
    size = call_size(math.ceil(len(mates) / free), sizes, setup.call_s(leader.group))
    return Batch(tuple(mates[:size]), size)


def call_size(count: int, sizes: Sequence[int], seconds: Mapping[int, float]) -> int:
    """Return the fixed size of the next call for `count` pictures of a group, 1 or more.

    Where `seconds` tells of every size what a call takes, it is the largest of the calls that draw them all soonest,
    one of which may be padded: 3 pictures cost a GPU less in a call of 4 than in 3 of 1. Else, and while far more of
    them wait, it is the largest size that they fill, and what is left over follows in smaller calls; less than the
    smallest are padded up to it.
    """
    if count >= FAR * sizes[-1] or not seconds.keys() >= set(sizes):
        return max((size for size in sizes if size <= count), default=sizes[0])
    soonest = [0.0]
    for left in range(1, count + 1):
        soonest.append(min(seconds[size] + soonest[max(0, left - size)] for size in sizes))
    return max(size for size in sizes if seconds[size] + soonest[max(0, count - size)] == soonest[count])


def lead(fronts: Sequence[Waiting], sizes: Sequence[int], setup: Setup = UNKNOWN) -> Waiting:
    """Choose the leader of a call from the first jobs of each group of one priority; there is one at least."""
    head = min(fronts, key=lambda entry: entry.key)
    able = [entry for entry in fronts if entry is head or _may_overtake(entry, head, sizes[-1], setup)]
    return min(able, key=lambda entry: (-nearness(entry.group, setup.group), entry.key))


def nearness(group: str, other: str) -> int:
    """Return how much of what is loaded for one group serves another: of model, mix and size how many are the same."""
    return sum(part(group) == part(other) for part in (model_of, weights_of, canvas_of))


def due(priorities: Iterable[int], passed: Mapping[int, int]) -> int:
    """Return the priority that has the next call: the one whose patience is at its end, else the highest."""
    return max(priorities, key=lambda level: (max(passed.get(level, 0) - PATIENCE + 1, 0), level))


def passed_over(priorities: Iterable[int], chosen: int, passed: Mapping[int, int]) -> dict[int, int]:
    """Return how often each of the priorities that wait has been passed over, once `chosen` has a call."""
    return {level: passed.get(level, 0) + 1 for level in priorities if level != chosen}


def next_turn(front: int | None, last: int | None) -> int:
    """Return the turn of a client's next job at a priority; the further ones count up from there.

    `front` is the turn at the front there, `last` that of this client's last waiting job; None where there is none.
    """
    return max(front or 0, 0 if last is None else last + 1)


def ranks(after: float | None, before: float | None, count: int) -> tuple[float, ...] | None:
    """Return ascending ranks for `count` jobs between two others (None: none is there); None where there is no room.

    Less than 1 behind the last one, so that the next job to come, whose rank is its id, comes behind them.
    """
    if after is None and before is None:
        return tuple(float(place) for place in range(count))
    low = after if after is not None else (before or 0.0) - 1
    high = before if before is not None else low + 1
    spread = tuple(low + (high - low) * place / (count + 1) for place in range(count + 2))
    return spread[1:-1] if all(map(operator.lt, spread, spread[1:])) else None


def _may_join(entry: Waiting, leader: Waiting) -> bool:
    return (entry.group, entry.priority, entry.attempts) == (leader.group, leader.priority, 0)


def _may_overtake(entry: Waiting, head: Waiting, largest: int, setup: Setup) -> bool:
    in_reach = entry.job < head.job and entry.turn < head.turn + AHEAD * largest
    at_ease = head.priority < INTERACTIVE and not head.placed
    return in_reach and at_ease and not entry.attempts and _is_worth_it(entry, head, largest, setup)


def _is_worth_it(entry: Waiting, head: Waiting, largest: int, setup: Setup) -> bool:
    """Say whether the change that is spared takes a part of the call's time that counts."""
    spared = setup.change_s(head.group) - setup.change_s(entry.group)
    return spared > 0 and spared >= WORTH * largest * steps_of(entry.group) * setup.step_s
