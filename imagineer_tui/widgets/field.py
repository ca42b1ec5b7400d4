"""A line to type into, one row high: enter is done, escape leaves it."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.strip import Strip
from textual.widgets import Input

from imagineer_tui.widgets.pasting import unbroken


class Field(Input):
    """Textual's input without a frame and without a blink, which would be sent over SSH twice a second.

    Where no colour tells how far it reaches, a line below it does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.back", "leave", id="field.leave", key_display="esc")
    ]
    DEFAULT_CSS = """
    Field {
        height: 1; border: none; padding: 0 1; background: $panel;
        &:focus { border: none; }
        &:ansi, &:nocolor { text-style: underline; }
    }
    """

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, compact=True, id=id)
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Take all of what is pasted, as one line; Textual does the rest."""
        event.text = unbroken(event.text)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Say whether a key is a letter here; of the slash Textual does not know it."""
        return key == "slash" or super().check_consume_key(key, character)

    def render_line(self, y: int) -> Strip:
        """Draw the text; where nobody types, a long one from its beginning, not to its end."""
        width = self.scrollable_content_region.width
        if y or self.has_focus or cell_len(self.value) <= width:
            return super().render_line(y)
        text = Text(self.value, end="")
        text.truncate(width, overflow="ellipsis", pad=True)
        return Strip(text.render(self.app.console), width).apply_style(self.rich_style)
