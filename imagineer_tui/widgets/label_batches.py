"""The batches with how far each is labelled, the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from textual.content import Content

from imagineer_tui.model.labels import MARKS, Tally
from imagineer_tui.widgets.columns import Column, Titled
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import UNTOLD, Rows

if TYPE_CHECKING:
    from imagineerd.protocol import Batch

EMPTY: Final = "No decks yet.\nPress 1 to deal one."
STYLES: Final = {"running": "b $accent", "failed": "b $error", "labelled": "$success"}


class LabelBatches(Rows):
    """One line for each batch: what goes on in it, title and theme, labelled takes of all."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(width=1), Column(), Column(width=6, right=True), empty=UNTOLD, id=id)

    def show(self, batches: Iterable[tuple[Batch, Tally]], chosen: str) -> None:
        """Show these batches, with the cursor on the chosen one."""
        self.say_empty(EMPTY)
        self.fill([_row(batch, tally) for batch, tally in batches], chosen)


def _row(batch: Batch, tally: Tally) -> Row:
    mark = Content.styled(MARKS[tally.standing], STYLES.get(tally.standing, "dim"))
    count = f"{tally.labelled}/{tally.takes}" if tally.takes else "–"
    return Row(batch.id, (mark, Titled(batch.title, batch.theme), Content.styled(count, "dim")))
