"""A small form over the screen: a few fields, enter gives them, escape gives nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from imagineer_tui.model.compose import stepped
from imagineer_tui.widgets.form_line import FormLine
from imagineer_tui.widgets.titles import entitle

Draft: TypeAlias = dict[str, str]
NONE: Final[Mapping[str, Any]] = MappingProxyType({})
Check: TypeAlias = Callable[[Mapping[str, str]], dict[str, str]]
"""Returns a sentence for each field that is wrong."""


class Asking(ModalScreen[Draft | None]):
    """Asks for `fields`, each a name, its label and the text it begins with; the cursor begins in `first`.

    Beside those that are in `hints` stands what they take, and the arrows change them: through their `choices`, or as
    the numbers that they are.
    """

    DEFAULT_CSS = """
    Asking {
        align: center middle; background: $background 60%;
        VerticalScroll {
            width: 64; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
            border: round $accent; border-title-color: $accent; background: $surface;
        }
        &:ansi VerticalScroll { background: ansi_default; }
        #note { color: $text-muted; margin-top: 1; }
    }
    """

    def __init__(  # noqa: PLR0913 - all of a form
        self,
        title: str,
        note: str,
        fields: Sequence[tuple[str, str, str]],
        check: Check,
        first: str = "",
        *,
        hints: Mapping[str, str] = NONE,
        choices: Mapping[str, Sequence[str]] = NONE,
    ) -> None:
        super().__init__()
        self._hints, self._choices = hints, choices
        self._title, self._note, self._fields, self._check = title, note, fields, check
        self._first = first or fields[0][0]

    def compose(self) -> ComposeResult:
        """Write the fields, then the note."""
        with VerticalScroll(can_focus=False) as scroll:
            entitle(scroll, self._title, "enter is done · tab next · esc leaves")
            for name, label, text in self._fields:
                line = FormLine(name, label, wide=name not in self._hints)
                line.value = text  # before it has the focus, which selects it
                yield line
            yield Static(self._note, id="note", markup=False)

    def action_back(self) -> None:
        """Give nothing."""
        self.dismiss(None)

    def add_to_note(self, text: str) -> None:
        """Write more below the fields: what was still to be asked for."""
        self._note += text
        for note in self.query("#note").results(Static):
            note.update(self._note)

    def on_mount(self) -> None:
        """Say what the fields take, and begin in the first."""
        for line in self.query(FormLine):
            line.hint(self._hints.get(line.field, ""))
            if line.field == self._first:
                line.enter()

    @on(FormLine.Stepped)
    def _stepped(self, event: FormLine.Stepped) -> None:
        line = event.line
        if line.field in self._hints:
            line.value = stepped(line.field, line.value, event.by, self._choices.get(line.field, ()))

    @on(FormLine.Submitted)
    def _submitted(self) -> None:
        draft = {line.field: line.value for line in self.query(FormLine)}
        faults = self._check(draft)
        for line in self.query(FormLine):
            line.complain(faults.get(line.field, ""))
        if not faults:
            self.dismiss(draft)
