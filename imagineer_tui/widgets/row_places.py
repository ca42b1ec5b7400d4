"""Where the cursor of a list goes: over headings, back to its row, or to what stands nearest to where that was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Places: TypeAlias = Sequence[tuple[int, str]]
"""The lines that the cursor can be on, each with the key of its row; headings are left out."""


def on(places: Places, line: int, by: int) -> int | None:
    """Return the next line in a direction (`by` is 1 or -1) from where the cursor is; None where there is none."""
    onwards = places if by > 0 else reversed(places)
    return next((at for at, _ in onwards if (at - line) * by > 0), None)


def near(places: Places, line: int, by: int) -> int | None:
    """Return a line, or the nearest one in a direction, or what is the last one there; None where there is none."""
    if not places:
        return None
    line = max(places[0][0], min(line, places[-1][0]))
    past = [at for at, _ in places if (at - line) * by >= 0]
    return past[0] if by > 0 else past[-1]


def back(places: Places, key: str, line: int) -> int:
    """Return the line with this key; where it is gone, the one nearest to `line`, of the same kind if there is one."""

    def distance(place: tuple[int, str]) -> tuple[bool, bool, int]:
        at, found = place
        return found != key, kind_of(found) != kind_of(key), abs(at - line)

    return min(places, key=distance, default=(0, ""))[0]


def kind_of(key: str) -> str:
    """Return what stands before the colon of a row's key, empty where there is none."""
    return key.rpartition(":")[0]
