"""What the contact sheet of a grid shows: labels and, for each cell, its picture or why there is none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from imagineerd.grids.cells import label
from imagineerd.jobs import State
from imagineerd.naming import SHEET
from imagineerd.protocol import Axis, BatchDetail, Slot


class Shown(msgspec.Struct, frozen=True):
    """A cell: the path of its picture or, where it has none, the `note` in its place."""

    picture: str = ""
    note: str = ""


class Contents(msgspec.Struct, frozen=True):
    """What to draw and the `path` to write it to; `cells` in reading order: block by block, row by row.

    A label is empty where there is no such axis; there is at least one of each kind.
    """

    path: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    blocks: tuple[str, ...]
    cells: tuple[Shown, ...]


def contents_of(detail: BatchDetail) -> Contents:
    """Return what the sheet of this grid shows: of each slot the picture that counts."""
    batch = detail.batch
    folder = Path(batch.folder)
    columns, *others = batch.grid
    return Contents(
        path=str(folder / SHEET),
        title=" · ".join(filter(None, (batch.title, batch.theme, *batch.mixes))),
        columns=_labels([columns]),
        rows=_labels(others[:1]),
        blocks=_labels(others[1:]),
        cells=tuple(_shown(slot, folder) for slot in detail.slots),
    )


def _labels(axes: Sequence[Axis]) -> tuple[str, ...]:
    """Return a label for each combination of the axes' values, the first axis changing fastest; one empty for none."""
    values = itertools.product(*([label(axis, value) for value in axis.values] for axis in reversed(axes)))
    return tuple(", ".join(reversed(combination)) for combination in values)


def _shown(slot: Slot, folder: Path) -> Shown:
    pick = next((take for take in slot.takes if take.id == slot.pick), None)
    if pick is None:
        return Shown(note="deleted" if slot.state is State.DONE else slot.state.value)
    return Shown(picture=str(folder / pick.file))
