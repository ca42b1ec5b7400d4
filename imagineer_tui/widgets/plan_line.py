"""What a deal would do: warnings first, then cards, size, mix, model and time."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widgets import Static

from imagineer_tui.model.planning import faults, summary
from imagineer_tui.widgets.warnings import warning
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.protocol import Plan

MOST_WARNINGS: Final = 2


class PlanLine(Static):
    """A line or a few; the very first deal gets a sentence of its own."""

    DEFAULT_CSS = """
    PlanLine { height: auto; max-height: 8; padding: 0 1; }
    """

    def show(self, plan: Plan, chosen: Collection[int], settings: str, *, first: bool) -> None:
        """Show the plan of the whole set, or of the chosen cards; `settings` are those that a person chose."""
        lines = [warning(text, self.content_size.width) for text in _warnings(plan)]
        lines.append(
            Content.assemble((summary(plan, chosen), "dim"), (f" · {settings}" if settings else "", "$accent"))
        )
        if first:
            lines.append(_welcome(plan, len(chosen)))
        self.update(Content("\n").join(lines))

    def complain(self, text: str) -> None:
        """Say why there is no plan."""
        self.update(warning(text))


def _warnings(plan: Plan) -> list[str]:
    said = [faults(plan)] if faults(plan) else []
    general = [text for text in plan.warnings if not any(card.name in text for card in plan.cards)]
    return [*said, *general[:MOST_WARNINGS]]


def _welcome(plan: Plan, chosen: int) -> Content:
    cards = number_of(len(plan.cards), "card")
    these = f"{chosen} of these {cards}" if chosen else f"these {cards}"
    model = "the built-in starter model — no download" if plan.model.name == "starter" else plan.model.name
    return Content.assemble(
        "Press ",
        ("enter", "b $accent"),
        f" to deal {these} with {model}, or ",
        ("r", "b $accent"),
        " for another theme first.",
    )
