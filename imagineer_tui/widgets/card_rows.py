"""The cards of a plan: number, name, how much of the prompt the model can read, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from imagineer_tui.model.planning import short_notes
from imagineer_tui.widgets import token_bar
from imagineer_tui.widgets.rows import Column, Row, Rows

if TYPE_CHECKING:
    from imagineerd.protocol import Plan, PlannedCard

NAME_WIDTH = 22


class CardRows(Rows):
    """Cards can be chosen for a deal of their own; none chosen means all."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        columns = (Column("#", 4, right=True), Column("card", NAME_WIDTH), Column("tokens", token_bar.WIDTH), Column())
        super().__init__(*columns, id=id)
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
        self.fill(self._row(card) for card in plan.cards)

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
