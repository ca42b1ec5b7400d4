"""What a single prompt comes to: how much of it the model reads, what else is doubtful, and how it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from imagineer_tui.model.planning import mix_of, notes
from imagineer_tui.widgets.token_bar import token_bar
from imagineer_tui.widgets.warnings import warning
from imagineer_tui.words import lasts

if TYPE_CHECKING:
    from imagineerd.protocol import Plan


class PromptPlan(Static):
    """A line with the token bar, and one for each warning."""

    DEFAULT_CSS = """
    PromptPlan { height: auto; padding: 0 0 0 10; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._plan: Plan | None = None
        self._width = 0

    def show(self, plan: Plan | None) -> None:
        """Show a plan of one prompt; nothing where there is none."""
        self._plan = plan
        self._write()

    def on_resize(self) -> None:
        """Warnings are as long as their lines allow."""
        if self.content_size.width != self._width:
            self._write()

    def _write(self) -> None:
        self._width = self.content_size.width
        self.update(Content("\n").join(_lines(self._plan, self._width)) if self._plan else "")


def _lines(plan: Plan, width: int) -> list[Content]:
    (card,) = plan.cards
    parts = [f"{plan.width}x{plan.height}", f"{card.steps} steps", mix_of(plan), plan.model.name, lasts(plan.eta_s)]
    told = " · ".join(part for part in parts if part)
    cut = card.tokens.cut
    others = [text for text in plan.warnings if not cut or cut not in text]
    return [
        Content.assemble(token_bar(card.tokens), (f" {told}", "dim")),
        *(warning(text, width) for text in (*notes(card), *others)),
    ]
