"""The first line's left half: the screens there are, with their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from textual.content import Content
from textual.widgets import Static

from imagineer_tui.screens import Entry

NARROW: Final = 80
"""Below so many columns only the open screen's name is written out."""
ROOMY: Final = 100
"""From so many columns on the names stand further apart."""


class TabBar(Static):
    """`1 Sets  4 Queue ●2`; a click opens a screen. On a narrow terminal only the open one is written out."""

    DEFAULT_CSS = """
    TabBar { width: auto; height: 1; color: $text-muted; text-wrap: nowrap; }
    """

    def __init__(self, entries: Sequence[Entry], current: str) -> None:
        super().__init__()
        self.auto_links = False
        self._entries = entries
        self._current = current
        self._badges: Mapping[str, str] = {}
        self._width = ROOMY

    def on_mount(self) -> None:
        """Write the line."""
        self._write()

    def show(self, badges: Mapping[str, str], width: int) -> None:
        """Show a few characters beside the names of screens, on a terminal of so many columns."""
        if (badges, width) != (self._badges, self._width):
            self._badges, self._width = dict(badges), width
            self._write()

    def _write(self) -> None:
        gap = " " if NARROW <= self._width < ROOMY else "  "
        self.update(Content(gap).join([self._tab(entry) for entry in self._entries]))

    def _tab(self, entry: Entry) -> Content:
        open_ = entry.name == self._current
        name = "" if self._width < NARROW and not open_ else f" {entry.title}"
        badge = self._badges.get(entry.name, "")
        text = "[b $accent]$key$name[/]" if open_ else "$key$name"
        tab = Content.from_markup(f"[@click=app.go('{entry.name}')]{text}[/]", key=entry.key, name=name)
        return tab + Content.styled(f" {badge}", "$accent") if badge else tab
