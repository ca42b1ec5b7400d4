"""Everything that was ever said of a take, over the screen: read it, give one back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from imagineer_tui.model.labels import is_understood, source
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.take_facts import label_lines
from imagineer_tui.widgets.titles import entitle
from imagineer_tui.words import moment

if TYPE_CHECKING:
    from imagineerd.protocol import Label, Labels


class LabelHistory(ModalScreen[int | None]):
    """Enter gives the id of the label under the cursor; escape changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "take this one", id="label_history.take"),
        Binding("escape,q", "dismiss(None)", "back", id="label_history.back"),
    ]
    DEFAULT_CSS = """
    LabelHistory {
        align: center middle; background: $background 60%;
        Vertical {
            width: 90; max-width: 100%; height: 26; max-height: 100%; padding: 0 1;
            border: round $accent; border-title-color: $accent; background: $surface;
        }
        &:ansi Vertical { background: ansi_default; }
        Rows { height: 40%; }
        VerticalScroll { height: 1fr; border-top: solid $border-blurred; scrollbar-size: 1 1; }
        #note { color: $text-muted; height: 1; }
    }
    """

    def __init__(self, name: str, history: Labels) -> None:
        super().__init__()
        self._name = name
        self._labels = {str(label.id): label for label in history.labels}
        self._current = history.current

    def compose(self) -> ComposeResult:
        """Write the list, then the one under the cursor in full."""
        with Vertical() as panel:
            entitle(panel, f"What was said of {self._name}")
            yield Rows(Column(width=1), Column(width=16), Column(), Column(width=11), id="sayings")
            with VerticalScroll(can_focus=False):
                yield Static(id="saying")
            yield Static(
                Content.from_markup(
                    "[@click=screen.take][b $accent]enter[/] lets it count again[/] · "
                    "[@click=screen.dismiss(None)][b $accent]esc[/] back[/]"
                ),
                id="note",
            )

    def on_mount(self) -> None:
        """Begin with the one that counts."""
        rows = self.query_one(Rows)
        rows.fill([self._row(label) for label in self._labels.values()], str(self._current))
        rows.focus()

    def _row(self, label: Label) -> Row:
        counts = Content.styled("●", "b $accent") if label.id == self._current else ""
        what = label.rating.lower() if is_understood(label) else "✗"
        return Row(str(label.id), (counts, moment(label.at), source(label), what), dim=not is_understood(label))

    @on(Rows.Highlighted)
    def _show(self) -> None:
        label = self._labels[self.query_one(Rows).key]
        self.query_one("#saying", Static).update(Content("\n").join(_lines(label)))

    def action_take(self) -> None:
        """Give the label under the cursor, if there is anything in it."""
        label = self._labels[self.query_one(Rows).key]
        if is_understood(label):
            self.dismiss(label.id)
        else:
            self.notify("This answer was not understood: there is no label in it.")


def _lines(label: Label) -> Iterator[Content]:
    yield from label_lines(label)
    if label.answer and not is_understood(label):
        yield Content.assemble(("not understood: ", "$error"), label.answer)
