"""The takes of a batch and the one under the cursor: read what is said of them, and write something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.timer import Timer

from imagineer_tui.intents import ShowBatch
from imagineer_tui.model.labels import Draft, Entry, draft_of, field_of, original, read, tally_of
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.drawings import Load
from imagineer_tui.widgets.label_history import LabelHistory
from imagineer_tui.widgets.label_panel import LabelPanel
from imagineer_tui.widgets.label_rows import LabelRows
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.titles import entitle

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed

SOON_S: Final = 0.2
"""Seconds that keys which are held down are waited out before a picture or a history is asked for."""
DRAWN: Final = "No picture of this batch is there yet.\n4 shows the queue."


class LabelDesk(Container):
    """A list and a panel. A draft that is left stays with its take until it is kept."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "edit", id="labels.edit", key_display="enter"),
        Binding("r", "restore", "labeler's own", id="labels.restore"),
        Binding("H", "history", "all that was ever said", id="labels.history", show=False),
        Binding("b", "reveal", "reveal, or blur again", id="labels.reveal", show=False),
        Binding("o", "open_batch", "see it in the gallery", id="labels.open", show=False),
        Binding("y", "copy", "copy the caption", id="labels.copy", show=False),
    ]

    class Highlighted(Message):
        """The cursor came to a take, or what is said of it changed."""

        def __init__(self, entry: Entry) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, load: Load, shown: Shown, terminal: Terminal, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._picture = (load, shown, terminal)
        self._entries: dict[str, Entry] = {}
        self._edited: Entry | None = None
        self._drafts: dict[str, Draft] = {}
        self._revealed: set[int] = set()
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Put them beside each other, or one above the other."""
        with Vertical(id="list", classes="panel"):
            yield LabelRows(id="takes")
        yield LabelPanel(*self._picture, id="take")

    # ------------------------------------------------------------ showing

    @property
    def _framed(self) -> Framed:
        return cast("Framed", self.screen)

    @property
    def entry(self) -> Entry | None:
        """The take under the cursor."""
        return self._entries.get(self.query_one(LabelRows).key)

    @property
    def entries(self) -> list[Entry]:
        """The takes of the batch."""
        return list(self._entries.values())

    @property
    def panel(self) -> LabelPanel:
        """What is beside the list."""
        return self.query_one(LabelPanel)

    def show(self, title: str, entries: Sequence[Entry], wanted: str = "") -> None:
        """Show the takes of a batch; the cursor stays on its take, or goes to the wanted one."""
        before, self._entries = self.entry, {entry.key: entry for entry in entries}
        rows, tally = self.query_one(LabelRows), str(tally_of(entries)) if entries else ""
        entitle(self.query_one("#list"), title, tally)
        rows.say_empty(DRAWN)
        rows.show(entries, wanted)
        if self.entry != before:
            self._show_entry()

    @on(Rows.Highlighted, "#takes")
    def _show_entry(self) -> None:
        """Show what is said at once, and the picture when the cursor rests."""
        entry = self.entry
        self.panel.show(entry)
        if entry:
            self.post_message(self.Highlighted(entry))
        if self._resting:
            self._resting.stop()
        self._resting = self.set_timer(SOON_S, self.renew)

    def renew(self) -> None:
        """Show the picture, and ask what was said before; what was missed while the daemon was away comes, too."""
        entry = self.entry
        self.panel.show_picture(entry.key if entry else "", blurred=bool(entry and entry.is_hidden(self._revealed)))
        if entry and self._framed.world.connection.live:
            self._load_history(entry)

    def action_reveal(self) -> None:
        """Show a blurred take, or blur it again."""
        if self.entry:
            self._revealed ^= {self.entry.take.id}
            self.renew()

    def action_open_batch(self) -> None:
        """See the take in the gallery."""
        if entry := self.entry:
            self._framed.house.go("gallery", ShowBatch(entry.take.batch, entry.take.slot))

    def action_copy(self) -> None:
        """Send the caption to the clipboard."""
        if self.entry and self.entry.label:
            self._framed.house.copy(self.entry.label.caption, "the caption")

    # ------------------------------------------------------------ writing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """While a label is written, the keys of the list are letters."""
        return not self.panel.editing

    @on(Rows.Opened, "#takes")
    def action_edit(self) -> None:
        """Open the form with the label, or with what was typed last and not kept."""
        if entry := self.entry:
            self._edited = entry
            self.panel.edit(self._drafts.get(entry.key) or draft_of(entry.label))
            self._frame_editing(on=True)

    def leave(self) -> None:
        """Close the form; what was not kept is there again the next time."""
        if entry := self._edited:
            draft = self.panel.draft
            if draft != draft_of(entry.label):
                self._drafts[entry.key] = draft
                self.notify("Not kept; enter goes on with it.")
        self._close()

    def _close(self) -> None:
        self._edited = None
        self.panel.leave()
        self._frame_editing(on=False)
        self.query_one(LabelRows).focus()

    def _frame_editing(self, *, on: bool) -> None:
        self.screen.set_class(on, "-editing")
        self.refresh_bindings()

    @on(LabelPanel.Kept)
    @work(group="keep", exclusive=True, exit_on_error=False)
    async def _keep(self, event: LabelPanel.Kept) -> None:
        """Have what was typed kept; where something is wrong with it, it stays in the form."""
        from imagineerd.errors import ImagineerError

        entry, edit = self._edited, read(event.draft)
        self.panel.complain(edit.faults)
        if entry is None or edit.faults:
            return
        take = entry.take.id
        try:
            await self._framed.client.edit_label(take, caption=edit.caption, rating=edit.rating, tags=edit.tags)
        except ImagineerError as error:
            self.panel.complain({field_of(error.field): error.message})
            return
        self._drafts.pop(entry.key, None)
        self._close()
        self._did(f"{entry.name}: labelled by hand", entry)

    @work(group="keep", exit_on_error=False)
    async def action_restore(self) -> None:
        """Let count again what a labeler said last."""
        if (entry := self.entry) is None:
            return
        history = await self._framed.asked(self._framed.client.labels(entry.take.id))
        if history is None:
            return
        wanted = original(history)
        if wanted is None:
            self.notify("No labeler said anything of this take yet.")
        elif wanted.id == history.current:
            self.notify("This is what the labeler said.")
        else:
            await self._restore(entry, wanted.id)

    async def _restore(self, entry: Entry, label: int) -> None:
        if await self._framed.asked(self._framed.client.restore_label(entry.take.id, label)):
            self._did(f"{entry.name} has an earlier label again", entry)

    def _did(self, what: str, entry: Entry) -> None:
        before = entry.label.id if entry.label else None
        self._framed.did(what, lambda: self._framed.client.restore_label(entry.take.id, before))

    # ------------------------------------------------------------ what was said before

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _load_history(self, entry: Entry) -> None:
        if history := await self._framed.asked(self._framed.client.labels(entry.take.id)):
            self.panel.show_history(history)

    @work(group="keep", exit_on_error=False)
    async def action_history(self) -> None:
        """Show all that was said; what is chosen there counts again."""
        if (entry := self.entry) is None:
            return
        history = await self._framed.asked(self._framed.client.labels(entry.take.id))
        if history is None:
            return
        if not history.labels:
            self.notify("Nothing was ever said of this take.")
            return

        def chosen(label: int | None) -> None:
            if label and label != history.current:
                self.run_worker(self._restore(entry, label), group="keep", exit_on_error=False)

        self.app.push_screen(LabelHistory(entry.name, history), chosen)
