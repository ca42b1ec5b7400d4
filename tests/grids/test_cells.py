"""A grid has every combination once, in reading order, and is drawn mix by mix."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.errors import Invalid
from imagineerd.grids.cells import MAX_CELLS, by_mix, cells_of, name_of
from imagineerd.jobs import GenerateSpec, LoraWeight, group_key
from imagineerd.protocol import Axis, GuidanceAxis, LoraAxis, SeedAxis, StepsAxis, ThemeAxis
from imagineerd.scheduler import Waiting
from imagineerd.waitlist import Waitlist

INK = LoraAxis(lora="Ink", values=(0.0, 0.5, 1.0))
GOLD = LoraAxis(lora="Gold", values=(0.0, 0.5))
STEPS = StepsAxis(values=(10, 20))


def spec(cell: tuple[float | int | str, ...]) -> GenerateSpec:
    """Return a spec of a cell of INK, STEPS and GOLD."""
    ink, steps, gold = cell
    mix = (LoraWeight("Ink", float(ink)), LoraWeight("Gold", float(gold)))
    return GenerateSpec(
        prompt="a fox", width=64, height=64, steps=int(steps), guidance_scale=3.0, seed=1, model="m", mix=mix
    )


def test_cells_follow_each_other_as_one_reads_the_sheet() -> None:
    assert cells_of([INK, STEPS]) == ((0.0, 10), (0.5, 10), (1.0, 10), (0.0, 20), (0.5, 20), (1.0, 20))


def test_a_third_axis_adds_blocks_below() -> None:
    cells = cells_of([INK, STEPS, GOLD])

    assert [cell[:2] for cell in cells] == [*cells_of([INK, STEPS])] * 2
    assert [cell[2] for cell in cells] == [0.0] * 6 + [0.5] * 6


@pytest.mark.parametrize(
    ("axis", "name"),
    [
        (INK, "Ink 0"),
        (STEPS, "10 steps"),
        (GuidanceAxis(values=(7.5,)), "guidance 7.5"),
        (SeedAxis(values=(2**40,)), "seed 1099511627776"),
        (ThemeAxis(values=("at sea",)), "at sea"),
        (ThemeAxis(values=("",)), "no theme"),
    ],
)
def test_a_cell_is_called_by_its_values(axis: Axis, name: str) -> None:
    assert name_of([axis, GOLD], (axis.values[0], 0.5)) == f"{name}, Gold 0.5"


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ([INK, LoraAxis(lora="ink", values=(1.0,))], 'Two axes vary the weight of "ink": make them one.'),
        ([STEPS, STEPS], "Two axes vary the steps: make them one."),
        ([SeedAxis(values=(1, 2, 1))], "A value of the seed stands twice: leave one out."),
        (
            [SeedAxis(values=tuple(range(21))), StepsAxis(values=tuple(range(1, 21)))],
            "This grid has 420 cells, and a grid has 400 at most: leave out values or an axis.",
        ),
    ],
)
def test_axes_that_make_no_grid_are_refused(axes: list[Axis], sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        cells_of(axes)

    assert caught.value.message == sentence


def test_the_largest_grid_is_one() -> None:
    assert len(cells_of([SeedAxis(values=tuple(range(MAX_CELLS)))])) == MAX_CELLS


def changes(specs: list[GenerateSpec]) -> int:
    """Count how often weights have to change while these are drawn behind each other."""
    return sum(one.mix != other.mix for one, other in pairwise(specs))


def drawn(specs: list[GenerateSpec], sizes: tuple[int, ...]) -> list[GenerateSpec]:
    """Return the specs in the order in which the scheduler draws them when they are queued in this one."""
    waiting = Waitlist()
    waiting.add(
        Waiting(job=job, priority=0, turn=job, rank=float(job), group=group_key(spec)) for job, spec in enumerate(specs)
    )
    order: list[int] = []
    while batch := waiting.next(sizes):
        order += batch.jobs
        for job in batch.jobs:
            waiting.drop(job)
    return [specs[job] for job in order]


@pytest.mark.parametrize("sizes", [(1,), (1, 2, 4)])
def test_weights_change_once_for_each_mix(sizes: tuple[int, ...]) -> None:
    specs = [spec(cell) for cell in cells_of([INK, STEPS, GOLD])]
    mixes = len({spec.mix for spec in specs})
    queued = [specs[place] for place in by_mix(specs)]

    assert changes(drawn(queued, sizes)) == mixes - 1
    assert changes(drawn(specs, sizes)) > mixes - 1


@given(st.permutations(range(12)))
def test_every_cell_is_drawn_once_whatever_its_place(places: list[int]) -> None:
    cells = cells_of([INK, STEPS, GOLD])
    specs = [spec(cells[place]) for place in places]

    order = by_mix(specs)

    assert sorted(order) == list(range(12))
    assert changes([specs[place] for place in order]) == 5
