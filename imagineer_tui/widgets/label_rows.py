"""The takes of a batch: card, rating, caption, tags; where there is no label, how that stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from textual.content import Content

from imagineer_tui.model.labels import MARKS, Entry
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.label_batches import STYLES
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.thumbnail import BLURRED

MARK: Final = Column(width=1)
NARROW: Final = (Column(width=10), Column())
WIDE: Final = (Column(width=11), Column(), Column(width=28))
ROOM_FOR_TAGS: Final = 100
LEAST_NARROW, LEAST_WIDE = 14, 20
"""A name's cells: more where some are longer, up to half the list, since what is said stands in full beside it."""
SAID: Final = {
    "none": "no label", "waiting": "waits for the labeler", "running": "with the labeler",
    "held": "held: 4, then x releases it",
}  # fmt: skip


class LabelRows(Rows):
    """One line for each take."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(*_columns(0, 0), id=id)
        self._longest = 0

    def show(self, entries: Sequence[Entry], chosen: str = "") -> None:
        """Show these takes, with the cursor on the chosen one."""
        self._longest = max((cell_len(entry.name) for entry in entries), default=0)
        self.resize_columns(*_columns(self.size.width, self._longest))
        self.fill([_row(entry) for entry in entries], chosen)

    def on_resize(self) -> None:
        """Give the tags a column where there is room for one (Textual calls that of `Rows` too)."""
        self.resize_columns(*_columns(self.size.width, self._longest))


def _columns(width: int, longest: int) -> tuple[Column, ...]:
    wide = width >= ROOM_FOR_TAGS
    name = max(LEAST_WIDE if wide else LEAST_NARROW, min(longest, width // 2))
    return (MARK, Column(width=name), *(WIDE if wide else NARROW))


def _row(entry: Entry) -> Row:
    label = entry.label
    mark = Content.styled(MARKS[entry.standing], STYLES.get(entry.standing, "dim"))
    rating = Content.styled(label.rating.lower(), "$warning" if label.is_nsfw else "dim") if label else Content("")
    tags = Content.styled(", ".join(label.tags), "dim") if label else Content("")
    if label and label.is_nsfw:
        rating = Content.assemble((BLURRED, "$warning"), rating)
    return Row(entry.key, (mark, entry.name, rating, _said(entry), tags))


def _said(entry: Entry) -> Content:
    """Return the caption, or the tags of a label that has none, or why there is no label."""
    if entry.standing == "failed":
        return Content.styled(entry.why, "$error")
    if entry.label:
        return Content(entry.label.caption or ", ".join(entry.label.tags))
    return Content.styled(SAID[entry.standing], "$accent" if entry.standing == "running" else "dim")
