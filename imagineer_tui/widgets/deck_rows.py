"""The batches as decks, the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from textual.content import Content

from imagineer_tui.widgets.rows import Column, Row, Rows

if TYPE_CHECKING:
    from imagineerd.protocol import Batch

EMPTY: Final = "No decks yet.\nPress 1 to deal one."


class DeckRows(Rows):
    """One line for each batch: title and theme, and how many of its cards are there."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(), Column(width=7, right=True), id=id)

    def show(self, batches: Iterable[Batch], chosen: str) -> None:
        """Show these batches, with the cursor on the chosen one."""
        self.say_empty(EMPTY)
        self.fill([_row(batch) for batch in batches], chosen)


def _row(batch: Batch) -> Row:
    theme = Content.styled(f" {batch.theme}", "dim") if batch.theme else ""
    done = batch.states.get("done", 0)
    return Row(batch.id, (Content.assemble(batch.title, theme), Content.styled(f"{done}/{batch.slots}", "dim")))
