"""A card's prompt as the model will get it: its four parts in their tints, what it does not read struck through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.model.prompt_view import Run, runs

if TYPE_CHECKING:
    from imagineerd.protocol import PlannedCard

STYLES: Final = {"base": "$secondary", "theme": "$accent", "row": "$foreground", "style": "$primary", "": "dim"}


class PromptPreview(VerticalScroll, can_focus=False):
    """Shows one planned card; scrolls where it is long."""

    DEFAULT_CSS = """
    PromptPreview { height: auto; padding: 0 1; scrollbar-size: 1 1; }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("")

    def show(self, card: PlannedCard | None, notes: tuple[str, ...] = ()) -> None:
        """Show a card with what there is to know about it; nothing where there is none."""
        self.query_one(Static).update(Content("\n").join(prompt_lines(card, notes)) if card else "")


def prompt_lines(card: PlannedCard, notes: tuple[str, ...] = ()) -> list[Content]:
    """Return the prompt, then the negative prompt, then the notes, a line each."""
    lines = [Content.assemble(*(_styled(run) for run in runs(card.prompt, card.parts, card.tokens.cut)))]
    if card.negative_prompt:
        lines.append(Content.assemble(("− ", "$error"), (card.negative_prompt, "dim")))
    return lines + [Content.assemble(("! ", "b $warning"), (note, "$warning")) for note in notes]


def _styled(run: Run) -> tuple[str, str]:
    return run.text, f"{STYLES[run.part]} strike dim" if run.lost else STYLES[run.part]
