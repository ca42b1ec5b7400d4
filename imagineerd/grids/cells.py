"""The cells of a grid: every combination of the axes' values, how each is called, and in which order they are drawn.

Cells are counted as one reads the sheet: the first axis runs across, the second down, and each combination of all
further ones is a block below the last. No I/O.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TypeAlias

from imagineerd.errors import Invalid
from imagineerd.jobs import GenerateSpec, Mix
from imagineerd.protocol import Axis, GuidanceAxis, LoraAxis, SeedAxis, StepsAxis, ThemeAxis

MAX_CELLS = 400
MAX_NAME = 80
"""Characters of a cell's name."""

Value: TypeAlias = float | int | str
Cell: TypeAlias = tuple[Value, ...]
"""One value of each axis, in the order of the axes."""


def cells_of(axes: Sequence[Axis]) -> tuple[Cell, ...]:
    """Return the cells in reading order. Raises `Invalid` for an axis or a value that stands twice, or too many."""
    _check(axes)
    values: list[tuple[Value, ...]] = [axis.values for axis in reversed(axes)]
    return tuple(cell[::-1] for cell in itertools.product(*values))


def name_of(axes: Sequence[Axis], cell: Cell) -> str:
    """Return what a cell is called: `Ink 0.3, Gold 0.5`."""
    return ", ".join(label(axis, value) for axis, value in zip(axes, cell, strict=True))[:MAX_NAME]


def label(axis: Axis, value: Value) -> str:
    """Return how a value of an axis is written on the sheet."""
    match axis:
        case LoraAxis():
            return f"{axis.lora} {value:g}"
        case StepsAxis():
            return f"{value} steps"
        case GuidanceAxis():
            return f"guidance {value:g}"
        case SeedAxis():
            return f"seed {value}"
        case ThemeAxis():
            return str(value) or "no theme"


def by_mix(specs: Sequence[GenerateSpec]) -> tuple[int, ...]:
    """Return the cells' places in the order to draw them: those of one mix behind each other, and among them those
    of the same steps, so that weights change least often and most cells share a UNet call.
    """
    first: dict[Mix, int] = {}
    for place, spec in enumerate(specs):
        first.setdefault(spec.mix, place)
    return tuple(sorted(range(len(specs)), key=lambda place: (first[specs[place].mix], specs[place].steps, place)))


def _check(axes: Sequence[Axis]) -> None:
    subjects = [_subject(axis) for axis in axes]
    for place, (subject, axis) in enumerate(zip(subjects, axes, strict=True)):
        if subject in subjects[:place]:
            raise Invalid(message=f"Two axes vary {subject}: make them one.", field=f"$.axes[{place}]")
        if len(set(axis.values)) < len(axis.values):
            raise Invalid(message=f"A value of {subject} stands twice: leave one out.", field=f"$.axes[{place}].values")
    count = math.prod(len(axis.values) for axis in axes)
    if count > MAX_CELLS:
        raise Invalid(
            message=f"This grid has {count:,} cells, and a grid has {MAX_CELLS} at most: leave out values or an axis.",
            field="$.axes",
        )


def _subject(axis: Axis) -> str:
    match axis:
        case LoraAxis():
            return f'the weight of "{axis.lora.lower()}"'
        case StepsAxis():
            return "the steps"
        case GuidanceAxis():
            return "the guidance scale"
        case SeedAxis():
            return "the seed"
        case ThemeAxis():
            return "the theme"
