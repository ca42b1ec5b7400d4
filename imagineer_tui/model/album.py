"""What is open in the gallery: a deck, the takes of one of its cards, or what a search found; and what is marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from imagineer_tui.model import gallery
from imagineer_tui.model.gallery import Card
from imagineer_tui.words import number_of, title_of

if TYPE_CHECKING:
    from imagineerd.protocol import BatchDetail, ListedTake

MOST_COMPARED: Final = 4
SEVERAL: Final = 2
"""Takes from which on there is something to choose from."""


@dataclass
class Album:
    """`slot` (from 1) is the open card, 0 for the whole deck; `query` goes before both. `cards` are what is shown.

    `wanted` is the card that the cursor goes to when `cards` change next. `revealed` are takes that are not blurred.
    """

    batch: str = ""
    slot: int = 0
    query: str = ""
    detail: BatchDetail | None = None
    cards: list[Card] = field(default_factory=list)
    wanted: Card | None = None
    revealed: set[int] = field(default_factory=set)
    compared: list[Card] = field(default_factory=list)

    @property
    def among_takes(self) -> bool:
        """Say whether each card shown is a take of its own, not the pick of a slot."""
        return bool(self.slot or self.query)

    def open(self, batch: str, slot: int = 0) -> None:
        """Open a deck, with the cursor on a slot where one is named."""
        self.batch, self.slot, self.query = batch, 0, ""
        self.wanted = Card("", batch, slot) if slot else None

    def enter(self, card: Card) -> bool:
        """Open a card that has several takes; say whether it was."""
        if self.among_takes or card.takes < SEVERAL:
            return False
        self.slot = card.slot
        return True

    def leave(self) -> bool:
        """Go back to the deck; say whether something else was open."""
        was, self.slot, self.query = self.among_takes, 0, ""
        return was

    def lay_out(self) -> None:
        """Take the cards from the deck, or from its open slot; what is compared is as the deck has it now."""
        if self.detail:
            self.cards = gallery.takes_of(self.detail, self.slot) if self.slot else gallery.deck(self.detail)
            self.compared = gallery.as_now(self.compared, self.detail)

    def lay_out_found(self, takes: Iterable[ListedTake]) -> None:
        """Take the cards that a search found."""
        self.cards = gallery.found(takes)

    def place(self, now: Card | None) -> int:
        """Return where the cursor goes: to what is wanted, else it stays on the card where it is now."""
        wanted, self.wanted = self.wanted or now, None
        return gallery.place_of(self.cards, wanted)

    @property
    def title(self) -> str:
        """What is open, in words."""
        if self.query:
            return f"Search “{self.query}”"
        if self.detail is None:
            return ""
        name = next((slot.name for slot in self.detail.slots if slot.index == self.slot), "")
        return title_of(self.detail.batch) + (f" › {name}" if name else "")

    @property
    def note(self) -> str:
        """How much of the deck is there, or how to get back to it."""
        if self.slot:
            return "esc back to the deck"
        return deck_note(self.detail) if self.detail else ""

    def error_of(self, card: Card) -> str:
        """Return why a card has no picture."""
        slots = self.detail.slots if self.detail else ()
        return next((slot.error.message for slot in slots if slot.index == card.slot and slot.error), "")

    def pick_of(self, card: Card) -> int | None:
        """Return the take that is the pick of this card now; None where that is not known."""
        slots = self.detail.slots if self.detail and self.detail.batch.id == card.batch else ()
        return next((slot.pick for slot in slots if slot.index == card.slot), None)

    # ------------------------------------------------------------ marks

    def is_hidden(self, card: Card) -> bool:
        """Say whether a card is blurred."""
        return card.is_hidden(self.revealed)

    def reveal(self, take: int) -> None:
        """Show a blurred take, or blur it again."""
        self.revealed ^= {take}

    def compare(self, card: Card) -> None:
        """Put a take beside those that are compared, or take it out; beyond four, the first one goes."""
        without = [other for other in self.compared if other.key != card.key]
        self.compared = without if len(without) < len(self.compared) else [*without, card][-MOST_COMPARED:]

    @property
    def comparing(self) -> bool:
        """Say whether there is something to compare."""
        return len(self.compared) >= SEVERAL

    def places(self) -> Sequence[int]:
        """Return where the cards stand that are seen large: all, one after the other, or those that are compared."""
        if not self.comparing:
            return range(len(self.cards))
        places = {card.key: at for at, card in enumerate(self.cards)}
        return [places[card.key] for card in self.compared if card.key in places]

    def is_compared(self, card: Card) -> bool:
        """Say whether a take is among those that are compared."""
        return bool(card.key) and card.key in {other.key for other in self.compared}


def deck_note(detail: BatchDetail) -> str:
    """Return how many takes a batch has, and how many of its cards have none."""
    missing = sum(not slot.takes for slot in detail.slots)
    return f"{number_of(detail.batch.takes, 'take')}" + (f" · {missing} without a picture" if missing else "")
