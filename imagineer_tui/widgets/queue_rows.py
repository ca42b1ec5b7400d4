"""The queue as a list under headings: now, waiting, held, done; what runs has a bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from textual.content import Content

from imagineer_tui.model.board import Line
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows

BAR: Final = 14
HEADINGS: Final = {"now": "Now", "waiting": "Waiting", "held": "Held", "done": "Done"}
COLUMNS: Final = (Column(), Column(width=11, right=True), Column(width=BAR), Column(width=16))
"""What it is, how far, a bar or how long it takes, what there is to say."""
BARLESS, UNNOTED = 2, 3
"""How many columns are left without bars, and without what there is to say."""
ROOM_FOR_BARS: Final = 60
EMPTY: Final = "Nothing is drawn and nothing waits.\n1 deals a set, 2 draws a prompt."


class QueueRows(Rows):
    """One line for each batch and for each card that is unfolded or running."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(*COLUMNS, empty=EMPTY, id=id)
        self._lines: dict[str, Line] = {}

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self._lines.get(self.key)

    def on_resize(self) -> None:
        """Leave out the columns that there is no room for (Textual calls that of `Rows` too)."""
        self._fit()

    def _fit(self) -> None:
        """Let the names have the room of a column that is empty, or for which they would have too little."""
        noted = any(line.note or line.share is not None for line in self._lines.values())
        narrow = self.size.width < ROOM_FOR_BARS
        self.resize_columns(*COLUMNS[: BARLESS if narrow else UNNOTED if not noted else len(COLUMNS)])

    def show(self, lines: Iterable[Line], left: str, awaited: str, *, paused: bool) -> None:
        """Show these lines; above them stands what is `left` to do, what is `awaited`, and whether all is paused."""
        found, before = list(lines), self.line
        self._lines = {line.key: line for line in found}
        self._fit()
        self.fill(_rows(found, left, awaited, paused=paused), self._key_after(before))

    def _key_after(self, before: Line | None) -> str:
        """Return the line that stands for the same as one before: a batch that begins or ends changes its section.

        Where one ends while others are drawn, the cursor stays with these: that one may be far below what waits.
        """
        if before is None or before.indent or before.key in self._lines:
            return ""
        if before.section == "now" and any(line.section == "now" for line in self._lines.values()):
            return ""
        mates = (line.key for line in self._lines.values() if line.batch == before.batch and not line.indent)
        return next(mates, "")


def _rows(lines: list[Line], left: str, awaited: str, *, paused: bool) -> Iterator[Row]:
    if awaited:
        yield Row("awaited", (Content.assemble(("◌ ", "$accent"), (awaited, "dim")),), heading=True)
    if paused:
        note = Content.assemble(("‖ paused", "b $warning"), (" · no card is begun · ", "dim"), ("p", "b $accent"))
        yield Row("paused", (note + Content.styled(" goes on", "dim"),), heading=True)
    for section, members in groupby(lines, key=lambda line: line.section):
        said, left = f"  {left}" if left else "", ""  # behind the first heading
        title = Content.assemble((f"── {HEADINGS[section]} ──", "b"), (said, "dim"))
        yield Row(f"heading:{section}", (title,), heading=True)
        yield from (_row(line) for line in members)


def _row(line: Line) -> Row:
    tone = "$error" if line.trouble else ""
    text = Content.styled(f"   {line.text}" if line.indent else line.text, tone)
    took = Content.styled(line.took, "dim")
    bar = took if line.share is None else _bar(line.share, quiet=line.indent)
    note = Content.styled(line.note, "$error" if line.trouble else "dim")
    return Row(line.key, (text, Content.styled(line.count, "dim"), bar, note))


def _bar(share: float, *, quiet: bool) -> Content:
    filled = round(BAR * min(1.0, share))
    return Content.assemble(("━" * filled, "$primary" if quiet else "$accent"), ("─" * (BAR - filled), "dim"))
