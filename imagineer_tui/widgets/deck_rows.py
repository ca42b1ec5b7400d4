"""The batches as decks, the newest first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from imagineer_tui.widgets.columns import Column, Titled
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.words import when

if TYPE_CHECKING:
    from imagineerd.protocol import Batch

EMPTY: Final = "No decks yet.\nPress 1 to deal one."
GAP: Final = 1
"""Cells between a title and a count that is as long as any."""
WHEN: Final = Column(width=6, right=True)


class DeckRows(Rows):
    """One line for each batch: title and theme, how many of its cards are there, and when it was dealt."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(), Column(width=1, right=True), WHEN, id=id)

    def show(self, batches: Sequence[Batch], chosen: str) -> None:
        """Show these batches, with the cursor on the chosen one; the counts take no more room than they need."""
        self.say_empty(EMPTY)
        widest = max((len(_count(batch)) for batch in batches), default=1)
        self.resize_columns(Column(), Column(width=widest + GAP, right=True), WHEN)
        now = time.time()
        self.fill([_row(batch, now) for batch in batches], chosen)


def _row(batch: Batch, now: float) -> Row:
    dealt = when(batch.created_at, now) if batch.created_at else ""
    cells = (Content.styled(_count(batch), "dim"), Content.styled(dealt, "dim"))
    return Row(batch.id, (Titled(batch.title, batch.theme), *cells))


def _count(batch: Batch) -> str:
    """Return `12` where all cards are there, `9/12` where some are not: a card that is done may have been deleted."""
    done = min(batch.states.get("done", 0), batch.takes)
    return str(done) if done == batch.slots else f"{done}/{batch.slots}"
