"""A field of a form: its label, what is typed, what it takes; and below, in a sentence, what is wrong with it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from imagineer_tui.widgets.field import Field
from imagineer_tui.widgets.text_field import TextField


class FormLine(Vertical):
    """`wide` fields wrap and go to the edge; the others have their hint beside them, and arrows change them.

    Its screen has an action `back`, for escape.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.back", "leave", id="form.leave", key_display="esc"),
        Binding("up", "step(1)", "more, or the next choice", id="form.more", show=False),
        Binding("down", "step(-1)", "less, or the choice before", id="form.less", show=False),
    ]
    DEFAULT_CSS = """
    FormLine {
        height: auto;
        Horizontal { height: auto; }
        .label { width: 10; color: $text-muted; }
        .hint { width: 1fr; height: auto; padding: 0 0 0 1; color: $text-muted; }
        .fault { height: auto; padding: 0 0 0 10; color: $warning; display: none; }
        &.-wrong .fault { display: block; }
        Field { width: 14; padding: 0; }
        &.-wide { Field { width: 1fr; } .hint { display: none; } }
    }
    """

    class Changed(Message):
        """Something was typed."""

    class Submitted(Message):
        """Enter was pressed."""

    class Stepped(Message):
        """An arrow was pressed."""

        def __init__(self, line: FormLine, by: int) -> None:
            super().__init__()
            self.line = line
            self.by = by

    def __init__(self, name: str, label: str, *, wide: bool = False, wraps: bool = False) -> None:
        super().__init__(name=name, classes="-wide" if wide or wraps else "")
        self.field = name
        self._label = label
        self._input: Field | TextField = TextField() if wraps else Field()

    def compose(self) -> ComposeResult:
        """Put them beside each other."""
        with Horizontal():
            yield Static(self._label, classes="label")
            yield self._input
            yield Static(classes="hint", markup=False)
        yield Static(classes="fault", markup=False)

    @property
    def value(self) -> str:
        """What is typed."""
        return self._input.text if isinstance(self._input, TextField) else self._input.value

    @value.setter
    def value(self, text: str) -> None:
        if isinstance(self._input, TextField):
            self._input.load_text(text)
            self._input.move_cursor(self._input.document.end)
        else:
            self._input.value = text

    def enter(self) -> None:
        """Have the cursor here."""
        self._input.focus()

    def hint(self, text: str, placeholder: str = "") -> None:
        """Say what the field takes, and what an empty one stands for."""
        self.query_one(".hint", Static).update(text)
        self._input.placeholder = placeholder

    def mark_lost(self, at: int | None) -> None:
        """Strike out the text from this place on; nothing where it is None, or where the field does not wrap."""
        if isinstance(self._input, TextField):
            self._input.mark_lost(at)

    def complain(self, fault: str) -> None:
        """Say what is wrong; nothing, where nothing is."""
        self.set_class(bool(fault), "-wrong")
        self.query_one(".fault", Static).update(Content(f"! {fault}" if fault else ""))

    def action_step(self, by: int) -> None:
        """Change the value by one step."""
        self.post_message(self.Stepped(self, by))

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _changed(self, event: Input.Changed | TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    @on(TextField.Submitted)
    def _submitted(self, event: Input.Submitted | TextField.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())
