"""Mixed work of several people through the real scheduler on a simulated device, beside two plainer ways.

One is the order of the queue: the same turns, priorities and shared calls, but without regard to what is loaded. The
other is first come, first served (FIFO), as a program without a scheduler does it: one picture after the other, in the
order in which they were asked for.

Nothing is drawn and no clock is read, so the numbers are the same on every machine. What things cost is published
(A100, SD 1.5, eager torch 2.0: 37, 84 and 93 TFLOP/s at batches of 1, 4 and 16, and a 512x720 card takes 64 TFLOP; a
batch of 8, which nobody published, is taken to run at 88.5): a mix is merged on the GPU in about 10 ms, or in half a
second where it goes through the CPU, as Forge's users measured; two seconds stand for a disk that is slow. What people
ask for by chance is the mean of `EVENINGS` of them: of one alone the numbers say more about when somebody came than
about the order.
"""

from __future__ import annotations

import heapq
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec
from table import Line, percentile

from imagineerd.jobs import BACKGROUND, INTERACTIVE, shape_of, weights_of
from imagineerd.scheduler import UNKNOWN, Batch, Setup, Waiting, next_turn
from imagineerd.waitlist import Waitlist

CALLS = {1: 1.73, 4: 3.05, 8: 5.79, 16: 11.0}
"""Batch size -> seconds of a call."""
STEPS = 25
LOAD_S = 0.6
MIX_S = {"a mix in 10 ms": 0.01, "a mix in 0.5 s": 0.5, "a mix in 2 s": 2.0}
EVENINGS = 20
GOAL = 1.01
"""Of the waits of those who wait for a picture, beside the order of the queue; they are never longer than FIFO's."""
DECK, GRID_CELLS, GRID_MIXES = 54, 24, 6


class Asked(msgspec.Struct, frozen=True, order=True):
    """Somebody asks for pictures: when, in seconds, who, for what kind of work, and the group of each picture."""

    at: float
    client: str
    kind: str
    priority: int
    groups: tuple[str, ...]


class Run(msgspec.Struct, frozen=True):
    """What came of it: seconds in all, changes of the weights, pictures, and how long those of each kind waited."""

    seconds: float
    changes: int
    pictures: int
    waits: dict[str, list[float]]

    @property
    def utilisation(self) -> float:
        """Share of what the device draws in full calls, one after the other."""
        return self.pictures * CALLS[16] / 16 / self.seconds


def lines() -> list[Line]:
    """Replay every workload; tell how it went, and how it would have gone in the plainer ways."""
    return [
        line
        for name, workload in WORKLOADS.items()
        for device, mix_s in MIX_S.items()
        for line in _compared(f"{name}, {device}", *(_evenings(workload, mix_s, way) for way in WAYS))
    ]


def _evenings(workload: Callable[[str], list[Asked]], mix_s: float, way: Way) -> Run:
    """Replay as many evenings, and add them up."""
    runs = [_replay(workload(str(evening)), mix_s, way) for evening in range(EVENINGS)]
    waits = {kind: [wait for run in runs for wait in run.waits[kind]] for kind in runs[0].waits}
    return Run(*(sum(getattr(run, name) for run in runs) for name in ("seconds", "changes", "pictures")), waits)


def _compared(name: str, *runs: Run) -> list[Line]:
    """Compare three runs, one each way."""
    own, queue, fifo = runs
    used = _line(f"{name}: utilisation", *(f"{run.utilisation:.1%}" for run in runs))
    changes = _line(f"{name}: mix changes", *(f"{run.changes / EVENINGS:.4g}" for run in runs))
    return [
        msgspec.structs.replace(used, ratio=own.utilisation / queue.utilisation),
        msgspec.structs.replace(
            changes, ratio=own.changes / max(queue.changes, 1), goal="<= 1", met=own.changes <= queue.changes
        ),
        *(_waits(f"{name}: {kind} waits, mean / p95", kind, *(run.waits[kind] for run in runs)) for kind in fifo.waits),
    ]


def _waits(name: str, kind: str, *waits: Sequence[float]) -> Line:
    own, queue, fifo = map(statistics.mean, waits)
    line = _line(name, *(f"{statistics.mean(each):.1f} s / {percentile(each, 95):.1f} s" for each in waits))
    line = msgspec.structs.replace(line, ratio=own / (queue or 1.0))
    if kind not in AT_ONCE:
        return line
    return msgspec.structs.replace(line, goal=f"<= {GOAL}, below FIFO", met=own <= min(GOAL * queue, fifo))


def _line(measure: str, own: str, queue: str, fifo: str) -> Line:
    reference = f"order of the queue: {queue}; FIFO: {fifo}"
    return Line(benchmark="scheduling", measure=measure, imagineer=own, reference=reference)


# ---------------------------------------------------------------- the device


Way = Callable[["_Line", Setup], Batch]
"""Chooses the next call from what waits, and knows what was drawn last."""


def _replay(asked: Iterable[Asked], mix_s: float, choose: Way) -> Run:
    coming = sorted(asked)
    heapq.heapify(coming)
    line, now, changes = _Line(), 0.0, 0
    setup = Setup("", LOAD_S, mix_s, CALLS[16] / 16 / STEPS, {shape_of(_group(model=model)): CALLS for model in MODELS})
    while coming or line.waiting:
        if not line.waiting:
            now = max(now, coming[0].at)
        while coming and coming[0].at <= now:
            line.come(heapq.heappop(coming))
        batch = choose(line, setup)
        group = line.waiting[batch.jobs[0]].group
        changes += weights_of(group) != weights_of(setup.group)
        line.leave(batch.jobs, now)
        now += setup.change_s(group) + CALLS[batch.size]
        setup = msgspec.structs.replace(setup, group=group)
    waits = {kind: waited for kind, waited in line.waits.items() if waited}
    return Run(now, changes, sum(map(len, waits.values())), waits)


class _Line:
    """The queue as the store keeps it: each job has the next turn of its client."""

    def __init__(self) -> None:
        self.list = Waitlist()
        self.waiting: dict[int, Waiting] = {}
        self.waits: dict[str, list[float]] = defaultdict(list)
        self._asked: dict[int, Asked] = {}

    def come(self, asked: Asked) -> None:
        level = [job for job, entry in self.waiting.items() if entry.priority == asked.priority]
        front = min((self.waiting[job].turn for job in level), default=None)
        own = [self.waiting[job].turn for job in level if self._asked[job].client == asked.client]
        turn = next_turn(front, max(own, default=None))
        for place, group in enumerate(asked.groups):
            job = len(self._asked) + 1
            self._asked[job] = asked
            self.waiting[job] = Waiting(job, asked.priority, turn + place, float(job), group)
            self.list.add([self.waiting[job]])

    def leave(self, jobs: Iterable[int], now: float) -> None:
        for job in jobs:
            self.list.drop(job)
            del self.waiting[job]
            self.waits[self._asked[job].kind].append(now - self._asked[job].at)


def ours(line: _Line, setup: Setup) -> Batch:
    """Choose as the daemon does."""
    batch = line.list.next(tuple(CALLS), setup)
    assert batch is not None, "Something waits."
    return batch


def in_order_of_the_queue(line: _Line, setup: Setup) -> Batch:
    """Choose without regard to what is loaded."""
    return ours(line, msgspec.structs.replace(UNKNOWN, calls=setup.calls))


def first_come(line: _Line, _: Setup) -> Batch:
    """Take the picture alone that was asked for first; they are numbered as they came."""
    return Batch((min(line.waiting),), 1)


WAYS: tuple[Way, ...] = (ours, in_order_of_the_queue, first_come)


# ---------------------------------------------------------------- the work


MODELS = ("sd15", "other")


def _group(mix: str = "", model: str = MODELS[0]) -> str:
    return f"{model}||{mix}|512x720|dpm++|{STEPS}"


AT_ONCE = ("audition", "single")
"""Kinds of work that somebody waits for."""


def _deck(at: float, client: str, mix: str) -> Asked:
    return Asked(at, client, "deck", BACKGROUND, (_group(mix),) * DECK)


def _grid(at: float, client: str) -> Asked:
    cells = tuple(_group(f"{client}{place * GRID_MIXES // GRID_CELLS}") for place in range(GRID_CELLS))
    return Asked(at, client, "grid", BACKGROUND, cells)


def _singles(evening: str, client: str, until: float, every: float) -> list[Asked]:
    """Ask for one to four pictures without a mix, now and then."""
    random, at, asked = _random(evening + client), 0.0, []
    while (at := at + random.expovariate(1 / every)) < until:
        asked.append(Asked(at, client, "single", INTERACTIVE, (_group(),) * random.randint(1, 4)))
    return asked


def _auditions(evening: str, client: str, until: float, every: float) -> list[Asked]:
    """Ask for one picture with other faders each time."""
    random, at, asked = _random(evening + client), 0.0, []
    while (at := at + random.expovariate(1 / every)) < until:
        asked.append(Asked(at, client, "audition", INTERACTIVE, (_group(f"{client}{len(asked)}"),)))
    return asked


def _random(seed: str) -> Random:
    return Random(seed)  # noqa: S311 - the same work each time


WORKLOADS: dict[str, Callable[[str], list[Asked]]] = {
    "two decks, two mixes": lambda _: [_deck(0, "ann", "ink"), _deck(0, "ben", "gold")],
    "two decks, two models": lambda _: [
        _deck(0, "ann", "ink"),
        Asked(0, "ben", "deck", BACKGROUND, (_group("ink", MODELS[1]),) * DECK),
    ],
    "four people deal twice": lambda _: [
        _deck(start, client, client) for start in (0.0, 20.0) for client in ("ann", "ben", "cleo", "dan")
    ],
    "a deck, singles beside it": lambda evening: [_deck(0, "ann", "ink"), *_singles(evening, "ben", 40, 8)],
    "a deck, auditions beside it": lambda evening: [_deck(0, "ann", "ink"), *_auditions(evening, "ben", 40, 6)],
    "an evening": lambda evening: [
        *(_deck(at, client, mix) for at, client, mix in ((0, "ann", "ink"), (30, "ben", "gold"), (90, "ann", "neon"))),
        _grid(20, "cleo"),
        _grid(100, "dan"),
        *_singles(evening, "eve", 150, 10),
        *_auditions(evening, "fay", 150, 12),
    ],
}
"""Name -> what is asked for on such an evening."""
