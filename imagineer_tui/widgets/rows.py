"""A list of lines in columns, of any length: drawn line by line, so that a move of the cursor sends two lines.

The keys are those of vim and the arrows; enter is left to the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from imagineer_tui.widgets import row_places
from imagineer_tui.widgets.columns import Cell, Column, joined
from imagineer_tui.widgets.differing import differing
from imagineer_tui.widgets.row import Row, styled

MARKER: Final = "▸ "
TWICE: Final = 2
UNTOLD: Final = "They come from imagineerd as soon as it answers."
"""What a list says before the daemon was asked for the first time."""


class Rows(ScrollView, can_focus=True, inherit_bindings=False):
    """Give it `columns` and `fill` it; it posts `Highlighted` when another row is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", id="list.down", show=False),
        Binding("k,up", "move(-1)", "up", id="list.up", show=False),
        Binding("ctrl+d,pagedown", "page(1)", "a page down", id="list.page_down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "a page up", id="list.page_up", show=False),
        Binding("g,home", "jump(0)", "first", id="list.first", show=False),
        Binding("G,end", "jump(-1)", "last", id="list.last", show=False),
        Binding("escape", "show_all", "show all", id="list.show_all", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--header", "rows--heading", "rows--dim", "rows--cursor"}
    DEFAULT_CSS = """
    Rows {
        background: transparent; scrollbar-size: 1 1; overflow-x: hidden; scrollbar-gutter: auto;
        .rows--header { color: $text-muted; }
        .rows--heading { color: $text-muted; }
        .rows--dim { color: $text-muted; }
        .rows--cursor { background: $foreground 8%; text-style: bold; }
        &:focus .rows--cursor { background: $accent 22%; text-style: bold; }
        &:ansi .rows--cursor { background: ansi_default; text-style: bold; }
        &:ansi:focus .rows--cursor { text-style: bold reverse; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    class OfRow(Message):
        """Tells of the row under the cursor; `key` is empty where there is none."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            """The list."""
            return self.rows

    class Highlighted(OfRow):
        """Another row is under the cursor."""

    class Opened(OfRow):
        """A row was clicked twice."""

    def __init__(self, *columns: Column, empty: str = "", id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._columns = columns
        self._header = any(column.title for column in columns)
        self._all: tuple[Row, ...] = ()
        self._rows: list[Row] = []
        self._filter: tuple[str, ...] = ()
        self.end_filter: Callable[[], object] | None = None  # given by the line that filters
        self._empty = empty
        self._told = ""

    # ------------------------------------------------------------ data

    @property
    def key(self) -> str:
        """The key of the row under the cursor, empty where there is none."""
        row = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        return row.key if row and not row.heading else ""

    @property
    def keys(self) -> list[str]:
        """The keys of all rows that the filter lets through."""
        return [row.key for row in self._rows if not row.heading]

    def fill(self, rows: Iterable[Row], key: str = "") -> None:
        """Show these rows; only what differs in lines in sight is drawn.

        The cursor stays on its row, or goes to `key`; where that is gone, to the nearest row of the same kind, which is
        what stands before the colon of its key.
        """
        before, key = self._rows, key or self.key
        self._all = tuple(rows)
        self._rows = [row for row in self._all if self._passes(row)]
        self.virtual_size = Size(self.size.width, len(self._rows) + self._header)
        if len(before) != len(self._rows):
            self.refresh()
        seen = slice(self.scroll_offset.y, self.scroll_offset.y + self.size.height)
        for line, (old, new) in enumerate(zip(before[seen], self._rows[seen], strict=False), seen.start):
            if old != new:
                self._draw_change(line, old, new)
        self._place(key)

    def _draw_change(self, line: int, old: Row, new: Row) -> None:
        at_cursor = line == self.cursor
        first, end = differing(self._line(old, cursor=at_cursor), self._line(new, cursor=at_cursor))
        self.refresh(Region(first, line + self._header - self.scroll_offset.y, end - first, 1))

    def resize_columns(self, *columns: Column) -> None:
        """Draw the same cells in columns of other widths."""
        if columns != self._columns:
            self._columns = columns
            self.refresh()

    def filter(self, text: str) -> None:
        """Show only rows with all of these words in them."""
        self._filter = tuple(text.lower().split())
        self._rows, key = [], self.key
        self.fill(self._all, key)
        if self.key != key:
            self.action_jump(0)

    def select(self, key: str) -> None:
        """Put the cursor on a row."""
        self._place(key)

    def say_empty(self, text: str) -> None:
        """Show this while there are no rows: what to press."""
        before, self._empty = self._empty, text
        if not self._rows and text != before:
            self.refresh()

    def _passes(self, row: Row) -> bool:
        return not self._filter or (not row.heading and all(word in row.text for word in self._filter))

    @property
    def _places(self) -> row_places.Places:
        return [(line, row.key) for line, row in enumerate(self._rows) if not row.heading]

    def _place(self, key: str) -> None:
        self.cursor = row_places.back(self._places, key, self.cursor)
        self._tell()

    def action_show_all(self) -> None:
        """End the filter; without one, escape is somebody else's key."""
        if not self._filter or not self.end_filter:
            raise SkipAction
        self.end_filter()

    # ------------------------------------------------------------ moving

    def action_move(self, by: int) -> None:
        """Go up or down, over headings."""
        line = row_places.on(self._places, self.cursor, by)
        if line is None:
            self.scroll_to(y=0 if by < 0 else None, animate=False)
        else:
            self.cursor = line

    def action_page(self, by: int) -> None:
        """Go a page up or down."""
        self._near(self.cursor + by * max(1, self.size.height - self._header - 1), by)

    def action_jump(self, line: int) -> None:
        """Go to the first row or the last."""
        self._near(line if line >= 0 else len(self._rows) - 1, -1 if line < 0 else 1)

    def _near(self, line: int, by: int) -> None:
        """Go to a line, or to the nearest one that is no heading."""
        self.cursor = row_places.near(self._places, line, by) or 0

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw two lines, and keep the cursor in sight."""
        self.refresh_line(old + self._header)
        self.refresh_line(new + self._header)
        self._keep_in_sight()
        self._tell()

    def _keep_in_sight(self) -> None:
        top, height = self.scroll_offset.y, self.size.height - self._header
        at_the_first = not self._places or self.cursor == self._places[0][0]
        wanted = 0 if at_the_first else self.cursor
        if wanted < top or height <= 0:
            self.scroll_to(y=wanted, animate=False, force=True)
        elif wanted >= top + height:
            self.scroll_to(y=wanted - height + 1, animate=False, force=True)

    def _tell(self) -> None:
        if self.key != self._told:
            self._told = self.key
            self.post_message(self.Highlighted(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens the row."""
        line = event.y + self.scroll_offset.y - self._header
        if 0 <= line < len(self._rows) and not self._rows[line].heading:
            self.cursor = line
            if event.chain == TWICE:
                self.post_message(self.Opened(self, self.key))

    # ------------------------------------------------------------ drawing

    def on_resize(self) -> None:
        """The lines are as wide as the list."""
        self.virtual_size = Size(self.size.width, len(self._rows) + self._header)
        self._keep_in_sight()

    def render_line(self, y: int) -> Strip:
        """Draw one line: the header stays where it is."""
        if self._header and y == 0:
            return styled(self, self._joined([column.title for column in self._columns]), "rows--header")
        if not self._rows:
            return self._say_nothing(y - self._header)
        line = y + self.scroll_offset.y - self._header
        if line >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        return self._line(self._rows[line], cursor=line == self.cursor)

    def _line(self, row: Row, *, cursor: bool) -> Strip:
        if row.heading:
            return styled(self, Content.assemble("  ", *row.cells), "rows--heading")
        content = self._joined(row.cells, MARKER if cursor else "  ")
        return styled(self, content, *(["rows--dim"] if row.dim else []), *(["rows--cursor"] if cursor else []))

    def _joined(self, cells: Sequence[Cell], mark: str = "  ") -> Content:
        return joined(self._columns, cells, mark, self.scrollable_content_region.width)

    def _say_nothing(self, y: int) -> Strip:
        text = "Nothing matches; escape shows all." if self._filter else self._empty
        lines = Content(text).wrap(max(1, self.size.width - 2 * len(MARKER))) if text else []
        if not 0 <= y < len(lines):
            return Strip.blank(self.size.width, self.rich_style)
        return styled(self, Content(" " * len(MARKER)) + lines[y], "rows--dim")
