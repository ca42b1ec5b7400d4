"""A page of small pictures with a cursor. The cells are made for the size and used again for every page.

A move of the cursor repaints two captions, some 200 bytes; a page is repainted picture by picture as they get ready.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeAlias

from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from imagineer_tui.terminal.detection import USUAL_CELL
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.drawings import Drawings
from imagineer_tui.widgets.page_layout import USUAL, Sizes, layout
from imagineer_tui.widgets.thumbnail import Thumb, Thumbnail

Way: TypeAlias = Callable[[], Sequence[int]]
"""Returns the indexes of thumbs to go through, one after the other."""
WHEEL_S: Final = 0.25
"""Seconds in which the wheel turns one page, however many notches a touchpad makes of it."""


class Thumbnails(Widget, can_focus=True):
    """Shows a page of `Thumb`s, of the largest of these `sizes` that leaves enough of them.

    Tells where the cursor went and what was opened.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", "left", id="list.left", show=False),
        Binding("right,l", "move(1, 0)", "right", id="list.right", show=False),
        Binding("up,k", "move(0, -1)", "up", id="list.up", show=False),
        Binding("down,j", "move(0, 1)", "down", id="list.down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "a page up", id="list.page_up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "a page down", id="list.page_down", show=False),
        Binding("home,g", "first", "first", id="list.first", show=False),
        Binding("end,G", "last", "last", id="list.last", show=False),
        Binding("enter", "open", "open", id="list.open", show=False),
    ]
    DEFAULT_CSS = """
    Thumbnails { layout: grid; grid-gutter: 1 2; width: 1fr; height: 1fr; overflow: hidden; }
    """

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The index of the thumb that the cursor is on."""

    class Highlighted(Message):
        """The cursor came to a thumb."""

        def __init__(self, thumbnails: Thumbnails, thumb: Thumb, index: int) -> None:
            super().__init__()
            self.thumbnails = thumbnails
            self.thumb = thumb
            self.index = index

        @property
        def control(self) -> Thumbnails:
            """The page it was on, for `@on` with a selector."""
            return self.thumbnails

    class Opened(Highlighted):
        """Enter was pressed on a thumb, or it was clicked while the cursor was on it."""

    class Fitted(Message):
        """A page has another number of cells now."""

    def __init__(
        self,
        drawings: Drawings,
        shown: Shown = "half",
        cell: tuple[int, int] = USUAL_CELL,
        sizes: Sizes = USUAL,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        self.drawings = drawings
        self.shown = shown
        self.cell = cell
        self._sizes = sizes
        self.picture = sizes.pictures[-1]
        self._thumbs: Sequence[Thumb] = ()
        self._columns = self._rows = 0
        self._turned_at = 0.0
        self._along: Way | None = None

    @property
    def thumbs(self) -> Sequence[Thumb]:
        """What is shown, page after page."""
        return self._thumbs

    @property
    def page_size(self) -> int:
        """Cells on a page."""
        return max(self._columns * self._rows, 1)

    @property
    def page(self) -> tuple[int, int]:
        """The number of the page that the cursor is on, from 1, and how many there are."""
        return self.cursor // self.page_size + 1, max(1, -(-len(self._thumbs) // self.page_size))

    def show(self, thumbs: Sequence[Thumb], cursor: int = 0) -> None:
        """Show these; cells whose thumb stays the same are left alone."""
        self._thumbs = thumbs
        self.call_later(self._fit)
        self.set_reactive(Thumbnails.cursor, self.validate_cursor(cursor))
        self._fill()
        self._tell(self.Highlighted)

    def show_as(self, shown: Shown) -> None:
        """Show the pictures in another way."""
        self.shown = shown
        self._fill()

    def go_along(self, way: Way | None) -> None:
        """Let the keys go along a way, since something covers the page that shows one thumb at a time; None ends it."""
        self._along = way
        if self.cursor not in self._way:
            self.action_first()

    @property
    def _way(self) -> Sequence[int]:
        return self._along() if self._along else range(len(self._thumbs))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a thumb."""
        return max(min(cursor, len(self._thumbs) - 1), 0)

    def watch_cursor(self, before: int, after: int) -> None:
        """Move the mark, and turn the page where the cursor left it."""
        if before // self.page_size != after // self.page_size:
            self._fill()
        else:
            cells = list(self.query(Thumbnail))
            cells[before % self.page_size].highlight(on=False)
            cells[after % self.page_size].highlight(on=True)
        self._tell(self.Highlighted)

    async def on_resize(self) -> None:
        """Make as many cells as there is room for."""
        await self._fit()

    async def _fit(self) -> None:
        """Fit the cells to the size as it is now: a resize may be told late, or not at all while cells are made."""
        picture, columns, rows = layout(self.size, self._sizes)
        if self.size and (picture, columns, rows) != (self.picture, self._columns, self._rows):
            self.picture, self._columns, self._rows = picture, columns, rows
            await self._make_cells()

    async def _make_cells(self) -> None:
        self.styles.grid_size_columns = self._columns
        self.styles.grid_columns = str(self.picture[0])
        self.styles.grid_rows = str(self.picture[1] + 1)
        cells = list(self.query(Thumbnail))
        with self.app.batch_update():
            for cell in cells[self.page_size :]:
                await cell.remove()
            await self.mount_all(Thumbnail() for _ in range(self.page_size - len(cells)))
            self._fill()
        self.post_message(self.Fitted())

    def _fill(self) -> None:
        first = self.cursor // self.page_size * self.page_size
        page = self._thumbs[first : first + self.page_size]
        for place, cell in enumerate(self.query(Thumbnail)):
            thumb = page[place] if place < len(page) else None
            cell.show(thumb, self, highlighted=first + place == self.cursor)

    def _tell(self, message: type[Highlighted]) -> None:
        if self._thumbs:
            self.post_message(message(self, self._thumbs[self.cursor], self.cursor))

    def action_move(self, columns: int, rows: int) -> None:
        """Move by cells; beyond the edge of a page lies the next one. A row that is not there is not gone to."""
        if self._along:
            self._step(columns + rows)
            return
        target = self.cursor + columns + rows * self._columns
        if columns or 0 <= target < len(self._thumbs):
            self.cursor = target

    def action_page(self, pages: int) -> None:
        """Turn pages; the cursor stays at its place in them."""
        if self._along:
            self._step(pages)
        else:
            self.cursor += pages * self.page_size

    def _step(self, by: int) -> None:
        """Go on along the way, or back."""
        self._go_to(self._way.index(self.cursor) + by if self.cursor in self._way else 0)

    def _go_to(self, place: int) -> None:
        """Go to a place on the way, the last one where it ends before."""
        if way := self._way:
            self.cursor = way[max(0, min(place, len(way) - 1))]

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Turn to the next page."""
        self._turn(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Turn back a page."""
        self._turn(event, -1)

    def _turn(self, event: MouseScrollDown | MouseScrollUp, by: int) -> None:
        """Turn a page where there is one: a picture costs kilobytes, so a wheel that runs on does not turn them all."""
        event.stop()
        page, pages = self.page
        if 1 <= page + by <= pages and event.time - self._turned_at >= WHEEL_S:
            self._turned_at = event.time
            self.action_page(by)

    def action_first(self) -> None:
        """Go to the first thumb."""
        self._go_to(0)

    def action_last(self) -> None:
        """Go to the last thumb."""
        self._go_to(len(self._thumbs))

    def action_open(self) -> None:
        """Open the thumb under the cursor."""
        self._tell(self.Opened)

    def on_click(self, event: Click) -> None:
        """Go to the clicked thumb; open the one that the cursor is on already."""
        cells = list(self.query(Thumbnail))
        if event.widget not in cells:
            return
        index = self.cursor // self.page_size * self.page_size + cells.index(event.widget)
        if index == self.cursor:
            self._tell(self.Opened)
        elif index < len(self._thumbs):
            self.cursor = index
