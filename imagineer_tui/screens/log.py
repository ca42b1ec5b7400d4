"""F3 Log: what the daemon writes down, while it does."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.framed import Framed
from imagineer_tui.model.log_tail import LogTail, level_of
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.filter_line import filter_of
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import MARKER, Rows
from imagineer_tui.widgets.titles import entitle

LOOK_S: Final = 1.0
STYLES: Final = {"DEBUG": "dim", "WARNING": "$warning", "ERROR": "$error", "CRITICAL": "b $error"}
FAR: Final = "The daemon is another machine's, and so is its log: open imagineer there, and press F3."
NOTHING: Final = (
    "There is no log in {file}.\n"
    "A daemon that imagineer started writes there; one of systemd writes to its journal:\n"
    "journalctl --user -u imagineerd -f"
)


class LogScreen(Framed):
    """The newest line is the last; while the cursor is on it, it follows."""

    NAME = "log"
    TITLE = "Log"
    HELP = (
        "The daemon's log, as it is written. While the cursor is on the last line it follows what comes; further up it "
        "stays where it is; a long line is written out below. G goes to the end, / shows only lines with some words "
        "in them, y copies the line.\n\n"
        "How much is written there is the setting daemon.log_level (F2)."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="log.filter", key_display="/"),
        Binding("y", "copy_line", "copy line", id="log.copy"),
    ]
    DEFAULT_CSS = """
    LogScreen {
        #log { height: 1fr; }
        #lines { height: 1fr; }
        #line { height: auto; max-height: 5; padding: 0 1; border-top: solid $border-blurred; color: $text-muted; }
        #line.-whole { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tail: LogTail | None = None

    def body(self) -> ComposeResult:
        """The lines."""
        with Vertical(id="log", classes="panel") as panel:
            panel.border_title = "Log"
            yield Rows(Column(), id="lines")
            yield Static(id="line", markup=False)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(Rows).focus()

    def on_screen_resume(self) -> None:
        """Follow, with a daemon or without."""
        self.follow()

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        self.workers.cancel_group(self, "tail")

    @work(group="tail", exclusive=True, exit_on_error=False)
    async def follow(self) -> None:
        """Look for new lines again and again."""
        if self.house.is_far:
            self.query_one(Rows).say_empty(FAR)
            return
        if self._tail is None:
            self._tail = LogTail(self.house.paths.log_file)
            entitle(self.query_one("#log"), "Log", str(self._tail.file))
            self.query_one(Rows).say_empty(NOTHING.format(file=self._tail.file))
        while True:
            if await asyncio.to_thread(self._tail.read):
                self._draw(self._tail)
            await asyncio.sleep(LOOK_S)

    def _draw(self, tail: LogTail) -> None:
        rows = self.query_one(Rows)
        at_the_end = not rows.keys or rows.key == rows.keys[-1]
        level = ""
        found = []
        for number, line in enumerate(tail.lines, tail.first):
            level = level_of(line) or level
            found.append(Row(str(number), (Content.styled(line, STYLES.get(level, "")),)))
        rows.fill(found)
        if at_the_end:
            rows.action_jump(-1)

    @on(Rows.Highlighted, "#lines")
    def _show_line(self) -> None:
        """Show the line under the cursor in full, where the list has no room for all of it."""
        whole = self.query_one("#line", Static)
        rows = self.query_one(Rows)
        whole.update(self._line)
        whole.set_class(len(self._line) + len(MARKER) <= rows.size.width, "-whole")

    @property
    def _line(self) -> str:
        rows = self.query_one(Rows)
        return self._tail.lines[int(rows.key) - self._tail.first] if self._tail and rows.key else ""

    def action_filter(self) -> None:
        """Type words to look for."""
        filter_of(self.query_one(Rows)).open()

    def action_copy_line(self) -> None:
        """Send the line to the clipboard."""
        if self._line:
            self.house.copy(self._line, "the line")
