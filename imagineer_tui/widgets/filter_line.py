"""`/`: a line to type words into; only what has all of them stays in the list above."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from imagineer_tui.widgets.field import Field
from imagineer_tui.widgets.rows import Rows


class FilterLine(Field):
    """Takes no room until it is opened. Enter goes back to the list, escape also shows all again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "show all", id="filter.clear", key_display="esc"),
        Binding("down", "leave", "to the list", id="filter.leave", show=False),
    ]
    DEFAULT_CSS = """
    FilterLine {
        display: none; background: $surface;
        &.-open { display: block; }
    }
    """

    class Filtered(Message):
        """The words changed."""

        def __init__(self, line: FilterLine, words: str) -> None:
            super().__init__()
            self.line = line
            self.words = words

        @property
        def control(self) -> FilterLine:
            """The line."""
            return self.line

    class Left(Message):
        """The list should have the focus again."""

        def __init__(self, line: FilterLine) -> None:
            super().__init__()
            self.line = line

        @property
        def control(self) -> FilterLine:
            """The line."""
            return self.line

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder="filter", id=id)

    def open(self, words: str = "") -> None:
        """Appear; with words, show what is filtered by them without taking the focus."""
        self.add_class("-open")
        if words:
            self.value = words
        else:
            self.focus()

    def close(self) -> None:
        """Disappear, without any words."""
        self.value = ""
        self.remove_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self.post_message(self.Filtered(self, self.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the list with what is left."""
        event.stop()
        self.action_leave()

    def action_leave(self) -> None:
        """Back to the list; without words there is nothing to show here."""
        self.set_class(bool(self.value), "-open")
        self.post_message(self.Left(self))

    def action_give_up(self) -> None:
        """Show all again."""
        self.value = ""
        self.action_leave()


class ListFilter(FilterLine):
    """Filters a list, and gives it the focus back; its own id ends in `-filter`."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(id=f"{rows.id}-filter")
        self._rows = rows

    def on_mount(self) -> None:
        """Escape ends the filter from the list, too."""
        self._rows.end_filter = self.action_give_up

    @on(FilterLine.Filtered)
    def _filter(self) -> None:
        self._rows.filter(self.value)

    @on(FilterLine.Left)
    def _focus(self) -> None:
        self._rows.focus()


def filter_of(rows: Rows) -> ListFilter:
    """Return the line that filters this list, below it. It is made at the first call: most lists are never filtered."""
    panel = cast("Widget", rows.parent)
    for line in panel.query_children(f"#{rows.id}-filter").results(ListFilter):
        return line
    line = ListFilter(rows)
    panel.mount(line, after=rows)
    return line
