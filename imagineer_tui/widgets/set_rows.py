"""The sets: those that ship with imagineer, then yours; one that cannot be dealt is marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import UNTOLD, Rows

if TYPE_CHECKING:
    from imagineerd.protocol import SetInfo


class SetRows(Rows):
    """One line for each set: name and number of cards."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(), Column(width=4, right=True), empty=UNTOLD, id=id)

    def show(self, sets: Iterable[SetInfo], chosen: str) -> None:
        """Show these sets, with the cursor on the chosen one."""
        self.fill(_rows(list(sets)), chosen)


def _rows(sets: list[SetInfo]) -> Iterator[Row]:
    yield from (_row(info) for info in sets if info.builtin)
    yours = [info for info in sets if not info.builtin]
    if yours:
        yield Row("", ("── yours ──",), heading=True)
    yield from (_row(info) for info in yours)


def _row(info: SetInfo) -> Row:
    if info.problems:
        return Row(info.id, (info.name or info.id, Content.styled("✗", "b $error")))
    return Row(info.id, (info.name, Content.styled(str(info.cards), "dim")))
