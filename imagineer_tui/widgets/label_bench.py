"""The batches and the desk beside each other: what is open in Labels, and going about in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message

from imagineer_tui.widgets.filter_line import FilterLine, filter_of
from imagineer_tui.widgets.label_batches import LabelBatches
from imagineer_tui.widgets.label_desk import LabelDesk
from imagineer_tui.widgets.label_rows import LabelRows
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.words import title_of

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.labelled import Labelled
    from imagineer_tui.model.world import World


class LabelBench(Horizontal):
    """Shows a `Labelled` that the screen fills, and keeps in it where the cursors are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Y", "copy_export", "copy the command that exports", id="labels.copy_export", show=False),
    ]

    class BatchChosen(Message):
        """Another batch is open."""

    def __init__(self, opened: Labelled, desk: LabelDesk, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._open = opened
        self._desk = desk

    def compose(self) -> ComposeResult:
        """Put the batches on the left."""
        with Vertical(id="decks", classes="panel") as decks:
            decks.border_title = "Batches"
            yield LabelBatches(id="batches")
        yield self._desk

    def on_mount(self) -> None:
        """Begin among the takes."""
        self.go("takes")

    def draw(self, world: World) -> None:
        """Bring everything up to date; only lines that differ are drawn."""
        batches, takes = self._open.look(world)
        batch, take = self._open.arrive() if self._open.detail else ("", "")
        self.query_one(LabelBatches).show(batches, batch)
        if self._open.detail:
            self._desk.show(title_of(self._open.detail.batch), takes, take)

    # ------------------------------------------------------------ moving about

    def go(self, which: str) -> None:
        """Put the focus on the batches or the takes."""
        self.query_one(f"#{which}").focus()

    @on(Rows.Highlighted, "#batches")
    def _batch_highlighted(self, event: Rows.Highlighted) -> None:
        if event.key and event.key != self._open.batch:
            self._open.batch, self._open.take = event.key, ""
            self.post_message(self.BatchChosen())

    @on(Rows.Opened, "#batches")
    def _batch_opened(self) -> None:
        self.go("takes")

    @on(LabelDesk.Highlighted)
    def _take_highlighted(self, event: LabelDesk.Highlighted) -> None:
        self._open.take = event.entry.key

    # ------------------------------------------------------------ filtering

    def filter(self) -> None:
        """Filter the list that has the focus."""
        batches = self.query_one(LabelBatches)
        filter_of(batches if batches.has_focus else self.query_one(LabelRows)).open()

    def filter_takes(self, words: str) -> None:
        """Filter the takes by these words, without going there."""
        filter_of(self.query_one(LabelRows)).open(words)

    @on(FilterLine.Filtered, "#takes-filter")
    def _filtered(self, event: FilterLine.Filtered) -> None:
        self._open.words = event.words

    # ------------------------------------------------------------ taking along

    def action_copy_export(self) -> None:
        """Send the command that writes pictures and labels for a trainer to the clipboard."""
        if batch := self._open.batch:
            command = f"imagineer labels export {batch} --format kohya"
            cast("Framed", self.screen).house.copy(command, "the command that exports")
