"""The waiting list chooses what `next_batch` would choose from all that waits."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd.jobs import shape_of, steps_of
from imagineerd.scheduler import Setup, Waiting, due, next_batch, passed_over
from imagineerd.waitlist import Waitlist

SIZES = (1, 4)
GROUPS = ["m||a|8x8|d|20", "m||a|8x8|d|25", "m||a|8x9|d|20", "m||b|8x8|d|20", "n||a|8x8|d|20"]


def ranked(entry: Waiting) -> Waiting:
    """Put a job where it stands by itself: by its number."""
    return msgspec.structs.replace(entry, rank=float(entry.job))


placed = st.builds(
    Waiting,
    job=st.integers(1, 30),
    priority=st.integers(-1, 1),
    turn=st.integers(0, 12),
    rank=st.sampled_from([0.5, 1.0, 2.0]),
    group=st.sampled_from(GROUPS),
    attempts=st.integers(0, 2),
)
entries = placed | placed.map(ranked)
moves = st.lists(st.one_of(entries, st.integers(1, 30)), max_size=60)


seconds = st.fixed_dictionaries({size: st.sampled_from([1.0, 2.5, 6.0]) for size in SIZES})
setups = st.builds(
    Setup,
    st.sampled_from(["", *GROUPS]),
    st.just(9.0),
    st.just(5.0),
    st.sampled_from([0.01, 9.0]),
    st.dictionaries(st.sampled_from([shape_of(group) for group in GROUPS]), seconds),
)


@settings(deadline=None)
@given(moves, setups)
def test_it_chooses_as_if_it_looked_at_every_job(moves: list[Waiting | int], setup: Setup) -> None:
    waitlist, plain, passed = Waitlist(), dict[int, Waiting](), dict[int, int]()
    for move in moves:
        if isinstance(move, int):
            waitlist.drop(move)
            plain.pop(move, None)
        else:
            waitlist.add([move])
            plain[move.job] = move

        assert waitlist.next(SIZES, setup) == next_batch(plain.values(), SIZES, passed, setup)
        if levels := {entry.priority for entry in plain.values()}:
            passed = passed_over(levels, due(levels, passed), passed)
        assert len(waitlist) == len(plain)
        assert waitlist.steps == sum(steps_of(entry.group) for entry in plain.values())
