"""The cards of a plan: number, name, how much of the prompt the model can read, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual.content import Content

from imagineer_tui.model.planning import short_notes
from imagineer_tui.widgets import token_bar
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import MARKER, Rows

if TYPE_CHECKING:
    from imagineerd.protocol import Plan, PlannedCard

NAME_WIDTH: Final = 22
"""A name's cells: more where some are longer and there is room for them and for what is wrong, fewer where all are
shorter and what is wrong needs the room."""
FIXED: Final = (Column("#", 4, right=True), Column("tokens", token_bar.WIDTH))


class CardRows(Rows):
    """Cards can be chosen for a deal of their own; none chosen means all."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(*_columns(NAME_WIDTH), id=id)
        self._plan: Plan | None = None
        self.chosen: set[int] = set()

    @property
    def card(self) -> PlannedCard | None:
        """The card under the cursor."""
        cards = self._plan.cards if self._plan else ()
        return next((card for card in cards if str(card.index) == self.key), None)

    def show(self, plan: Plan) -> None:
        """Show this plan; what was chosen of another set is not chosen any more."""
        if self._plan is None or self._plan.set != plan.set:
            self.chosen.clear()
        self._plan = plan
        self.resize_columns(*_columns(self._name_width(plan)))
        self.fill(self._row(card) for card in plan.cards)

    def _name_width(self, plan: Plan) -> int:
        longest = max((cell_len(card.name) for card in plan.cards), default=0)
        noted = max((cell_len(short_notes(card)) for card in plan.cards), default=0)
        room = self.size.width - len(MARKER) - sum(column.width + 1 for column in FIXED)
        least = min(NAME_WIDTH, max(longest, room - noted - 1))
        return max(least, min(longest, room // 2))

    def on_resize(self) -> None:
        """Names are as long as there is room for (Textual calls that of `Rows` too)."""
        if self._plan:
            self.show(self._plan)

    def clear_plan(self, why: str) -> None:
        """Show no cards, but why there are none."""
        self._plan = None
        self.say_empty(why)
        self.fill(())

    def toggle(self) -> None:
        """Choose the card under the cursor, or do so no more; go on to the next."""
        if self._plan and self.card:
            self.chosen ^= {self.card.index}
            self.show(self._plan)
            self.action_move(1)

    def choose_none(self) -> None:
        """Let the next deal be of the whole set again."""
        self.chosen.clear()
        if self._plan:
            self.show(self._plan)

    def _row(self, card: PlannedCard) -> Row:
        number = Content.styled(f"● {card.index}", "b $accent") if card.index in self.chosen else str(card.index)
        note = Content.styled(short_notes(card), "$warning")
        return Row(str(card.index), (number, card.name, token_bar.token_bar(card.tokens), note))


def _columns(name: int) -> tuple[Column, ...]:
    number, tokens = FIXED
    return (number, Column("card", name), tokens, Column())
