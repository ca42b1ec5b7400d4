"""A text of several lines' length in one paragraph: it wraps, and enter means that it is done."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from imagineer_tui.widgets.pasting import unbroken

UNDERLINED: Final = Style(underline=True)


class TextField(TextArea):
    """As high as its text, within bounds. How far it reaches is told as by `Field`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "done", show=False, priority=True)]
    DEFAULT_CSS = """
    TextField {
        width: 1fr; height: auto; min-height: 1; max-height: 6; border: none; padding: 0; background: $panel;
        scrollbar-size: 1 1;
        &:focus { border: none; }
        &:ansi, &:nocolor { text-style: underline; }
    }
    """

    class Submitted(Message):
        """Enter was pressed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, compact=True, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False)
        self.cursor_blink = False
        self._lost_from: int | None = None

    def mark_lost(self, at: int | None) -> None:
        """Strike out what stands from this place on; nothing where it is None."""
        if at != self._lost_from:
            self._lost_from = at
            self.notify_style_update()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn."""
        line = super().get_line(line_index)
        if self._lost_from is not None:
            begin = sum(len(text) + 1 for text in self.document.lines[:line_index])
            line.stylize("strike dim", max(0, self._lost_from - begin))
        return line

    def render_line(self, y: int) -> Strip:
        """Draw a line; where its text is underlined, what is empty behind it is, too."""
        line = super().render_line(y)
        if not self.rich_style.underline:
            return line
        return line.extend_cell_length(self.content_size.width, self.rich_style).apply_style(UNDERLINED)

    def on_paste(self, event: Paste) -> None:
        """Take all of what is pasted, as one line; Textual does the rest."""
        event.text = unbroken(event.text)

    def action_submit(self) -> None:
        """Be done."""
        self.post_message(self.Submitted())
