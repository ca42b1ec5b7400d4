"""The take under the cursor: its picture, all that is said of it, and the form to say something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from imagineer_tui.model.labels import FIELDS, MARKS, Draft, Entry, is_understood, next_rating, source
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.drawings import Load
from imagineer_tui.widgets.form_line import FormLine
from imagineer_tui.widgets.label_rows import SAID
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.take_facts import label_lines
from imagineer_tui.widgets.thumbnail import BLURRED
from imagineer_tui.words import moment

if TYPE_CHECKING:
    from imagineerd.protocol import Label, Labels

HOW: Final = "enter keeps · esc leaves"
NOTHING: Final = "No label yet. L has it labelled, enter writes one by hand."


class LabelPanel(Container):
    """Shows a take; while it is edited, the form stands in the place of the text."""

    DEFAULT_CSS = """
    LabelPanel {
        #said { padding: 0 1; scrollbar-size: 1 1; }
        #form { display: none; padding: 0 1; height: 1fr; overflow-y: auto; scrollbar-size: 1 1; }
        &.-editing { #said { display: none; } #form { display: block; } }
    }
    """

    class Kept(Message):
        """Enter was pressed in the form."""

        def __init__(self, draft: Draft) -> None:
            super().__init__()
            self.draft = draft

    def __init__(self, load: Load, shown: Shown, terminal: Terminal, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self._picture = (load, shown, terminal)
        self._entry: Entry | None = None
        self._history: Labels | None = None
        self._blurred = False
        self._written = ""

    def compose(self) -> ComposeResult:
        """Put them beside each other, or one above the other."""
        yield Picture(*self._picture)
        with VerticalScroll(id="said", can_focus=False):
            yield Static()
        with Vertical(id="form"):
            for name, label in FIELDS.items():
                yield FormLine(name, label, wide=name == "tags", wraps=name == "caption")

    def on_mount(self) -> None:
        """Say what each field takes."""
        hints = {"caption": ("", "what the picture shows"), "tags": ("", "gold, ram, night sky")}
        hints["rating"] = ("↑↓ changes it", "not rated")
        for line in self.query(FormLine):
            line.hint(*hints[line.field])

    # ------------------------------------------------------------ reading

    def show(self, entry: Entry | None) -> None:
        """Show what is said of a take; its picture comes with `show_picture`, earlier labels with `show_history`."""
        if entry is None or self._history is None or entry.take.id != self._history.take:
            self._history = None
        self._entry = entry
        self._write()

    def show_picture(self, key: str, *, blurred: bool) -> None:
        """Show a picture; where it is blurred, say what shows it."""
        self.query_one(Picture).show(key, blurred=blurred)
        self._blurred = blurred
        self._write()

    def show_as(self, shown: Shown) -> None:
        """Show pictures another way."""
        self.query_one(Picture).show_as(shown)

    def show_history(self, history: Labels) -> None:
        """Show what was said of the take before."""
        if self._entry and self._entry.take.id == history.take:
            self._history = history
            self._write()

    def _write(self) -> None:
        lines = list(_lines(self._entry, self._history)) if self._entry else []
        if lines and self._blurred:
            lines.insert(1, Content.assemble((f"{BLURRED} ", "$warning"), ("blurred; b reveals it", "dim")))
        text = Content("\n").join(lines)
        if text.markup != self._written:
            self._written = text.markup
            self.query_one("#said Static", Static).update(text)

    # ------------------------------------------------------------ editing

    @property
    def editing(self) -> bool:
        """Whether the form is open."""
        return self.has_class("-editing")

    @property
    def draft(self) -> Draft:
        """What stands in the form."""
        return {line.field: line.value for line in self.query(FormLine)}

    def edit(self, draft: Draft) -> None:
        """Open the form."""
        self.add_class("-editing")
        self.border_subtitle = HOW
        for line in self.query(FormLine):
            line.value = draft[line.field]
            line.complain("")
        self.query(FormLine).first().enter()

    def leave(self) -> None:
        """Close the form."""
        self.remove_class("-editing")
        self.border_subtitle = ""

    def complain(self, faults: Mapping[str, str]) -> None:
        """Say what is wrong, at each field."""
        for line in self.query(FormLine):
            line.complain(faults.get(line.field, ""))

    @on(FormLine.Submitted)
    def _submitted(self, event: FormLine.Submitted) -> None:
        event.stop()
        self.post_message(self.Kept(self.draft))

    @on(FormLine.Stepped)
    def _stepped(self, event: FormLine.Stepped) -> None:
        event.stop()
        if event.line.field == "rating":
            event.line.value = next_rating(event.line.value, event.by)


def _lines(entry: Entry, history: Labels | None) -> Iterator[Content]:
    """Yield the card, how its label stands, the label with its source, then those before it."""
    mark, style = MARKS[entry.standing], {"failed": "b $error", "running": "b $accent"}.get(entry.standing, "dim")
    yield Content.assemble((f"{mark} ".lstrip(), style), (entry.name, "b"), (f"  take {entry.take.id}", "dim"))
    if entry.why:
        yield Content.styled(entry.why, "$error")
        yield Content.styled("L asks once more." if entry.standing == "failed" else SAID["held"], "dim")
    elif entry.standing in {"waiting", "running"}:
        yield Content.styled(SAID[entry.standing], "$accent")
    if entry.label:
        yield from label_lines(entry.label)
        yield Content.styled(f"{source(entry.label)} · {moment(entry.label.at)}", "dim")
    elif entry.standing == "none":
        yield Content.styled(NOTHING, "dim")
    now = entry.label.id if entry.label else None
    earlier = [label for label in history.labels if label.id != now] if history else []
    if earlier:
        yield Content.styled("── said before · H has it in full ──", "dim")
    yield from (history_line(label) for label in earlier)


def history_line(label: Label) -> Content:
    """Return a label in a line: when, who, what."""
    said = label.caption or ", ".join(label.tags)
    what = f"{label.rating.lower()} {said}".strip() if is_understood(label) else f"not understood: {label.answer}"
    return Content.assemble((f"{moment(label.at)} {source(label)}: ", "dim"), what)
