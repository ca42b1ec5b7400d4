"""Something to read over the screen, scrolled by keys."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

WIDTH: Final = 76
"""Cells of a box, where there is room for so many."""


class Reading(ModalScreen[None]):
    """A box with these widgets under a title; escape and `q` leave it, and so should the key that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", id="reading.back", key_display="esc"),
        Binding("j,down", "scroll('down')", "down", id="reading.down", show=False),
        Binding("k,up", "scroll('up')", "up", id="reading.up", show=False),
    ]
    DEFAULT_CSS = """
    Reading {
        align: center middle;
        background: $background 60%;
        VerticalScroll {
            max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
            border: round $accent; border-title-color: $accent; background: $surface;
        }
        &:ansi VerticalScroll { background: ansi_default; }
    }
    """

    def __init__(self, title: str, *texts: Widget) -> None:
        super().__init__()
        self._title = title
        self._texts = texts

    def compose(self) -> ComposeResult:
        """Put one below the other."""
        with VerticalScroll() as scroll:
            scroll.border_title, scroll.styles.width = self._title, WIDTH
            yield from self._texts

    def action_scroll(self, direction: str) -> None:
        """Move the text."""
        scroll = self.query_one(VerticalScroll)
        getattr(scroll, f"scroll_{direction}")(animate=False)
