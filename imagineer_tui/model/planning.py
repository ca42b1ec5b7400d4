"""What a plan says about its cards, in words for a narrow column and for a sentence."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from imagineer_tui.words import lasts, number_of

if TYPE_CHECKING:
    from imagineerd.protocol import Plan, PlannedCard


def short_notes(card: PlannedCard) -> str:
    """Return what is wrong with a card, in a few words."""
    notes = [f"no {{{name}}}" for name in card.unresolved]
    if card.tokens.cut:
        notes.append(f"cut: “{card.tokens.cut.strip(' ,')}”")
    if card.duplicate_of is not None:
        notes.append(f"same as {card.duplicate_of}")
    return "; ".join(notes)


def notes(card: PlannedCard) -> tuple[str, ...]:
    """Return what is wrong with a card, a sentence each."""
    found = [f"The template's {{{name}}} has no column, or the cell is empty." for name in card.unresolved]
    if card.tokens.cut:
        about = "" if card.tokens.exact else "about "
        found.append(
            f"{about}{card.tokens.count} tokens; the model reads {card.tokens.limit}. What is struck through is lost."
        )
    if card.duplicate_of is not None:
        found.append(f"This is the same prompt as that of card {card.duplicate_of}.")
    return tuple(found)


def summary(plan: Plan, chosen: Collection[int] = ()) -> str:
    """Return the deal in a line: `12 cards · 96x144 · starter · about 0:24`; with `chosen`, of those cards alone."""
    count = len(chosen) or len(plan.cards)
    cards = f"{count} of {number_of(len(plan.cards), 'card')}" if chosen else number_of(count, "card")
    seconds = plan.eta_s and plan.eta_s * count / len(plan.cards)
    parts = [cards, f"{plan.width}x{plan.height}", mix_of(plan), plan.model.name, lasts(seconds)]
    return " · ".join(part for part in parts if part)


def faults(plan: Plan) -> str:
    """Return how many cards have something wrong with them, by kind; empty where none has."""
    cut = sum(bool(card.tokens.cut) for card in plan.cards)
    open_ = sum(bool(card.unresolved) for card in plan.cards)
    twice = sum(card.duplicate_of is not None for card in plan.cards)
    said = [f"{cut} over the token limit"] * bool(cut) + [f"{open_} with an open place"] * bool(open_)
    return " · ".join([*said, *[f"{twice} twice the same"] * bool(twice)])


def mix_of(plan: Plan) -> str:
    """Return the LoRAs that the first card is drawn with."""
    mix = plan.cards[0].mix if plan.cards else ()
    return " + ".join(f"{lora.name} {lora.weight:g}" for lora in mix)
