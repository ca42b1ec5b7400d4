"""A row of what `speed.py` measured, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from table import in_columns

DECK = 54
COLUMNS = ("measure", "batch", "s/card", "s/deck", "it/s", "TFLOP/s", "share", "beside", "note")
MAX_NOTE = 400


class Timed(NamedTuple):
    """What a measure took, and what is to be said about it."""

    seconds: float
    note: str = ""


class Row(msgspec.Struct, frozen=True):
    """One measure; what is 0 was not measured. `beside` is how often it fits into the time of the bare loop."""

    measure: str
    batch: int = 0
    card_s: float = 0.0
    its: float = 0.0
    tflops: float = 0.0
    share: float = 0.0
    beside: float = 0.0
    note: str = ""

    def remarked(self, remark: str) -> Row:
        """Return the row with something more to say about it, as what a cell can hold."""
        note = "; ".join(filter(None, (self.note, remark))).replace("\n", " ").replace("|", "/")
        return msgspec.structs.replace(self, note=note[:MAX_NOTE])

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is shown."""
        numbers = (self.card_s, DECK * self.card_s, self.its, self.tflops)
        return (
            self.measure,
            str(self.batch or ""),
            *(f"{number:.4g}" if number else "" for number in numbers),
            f"{self.share:.1%}" if self.share else "",
            f"{self.beside:.2f}x" if self.beside else "",
            self.note,
        )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    return in_columns([COLUMNS, *(row.cells for row in rows)])
