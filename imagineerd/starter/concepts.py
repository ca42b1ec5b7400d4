"""The 88 cards that the starter model is taught, by name."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["pip", "court", "joker", "major", "sign"]

SUITS = ("Hearts", "Diamonds", "Clubs", "Spades")
PIP_RANKS = ("Ace", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
COURT_RANKS = ("Jack", "Queen", "King")
MAJORS = (
    "The Fool", "The Magician", "The High Priestess", "The Empress", "The Emperor", "The Hierophant",
    "The Lovers", "The Chariot", "Strength", "The Hermit", "Wheel of Fortune", "Justice", "The Hanged Man",
    "Death", "Temperance", "The Devil", "The Tower", "The Star", "The Moon", "The Sun", "Judgement", "The World",
)  # fmt: skip
SIGNS = (
    "Aries", "Taurus", "Gemini", "Cancer", "Leo", "Virgo",
    "Libra", "Scorpio", "Sagittarius", "Capricorn", "Aquarius", "Pisces",
)  # fmt: skip
NUMERALS = (
    "0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X",
    "XI", "XII", "XIII", "XIV", "XV", "XVI", "XVII", "XVIII", "XIX", "XX", "XXI",
)  # fmt: skip


@dataclass(frozen=True)
class Concept:
    """One card. `number` is the pip count, the court's rank (11-13), the arcanum (0-21) or the sign (0-11)."""

    kind: Kind
    name: str
    number: int
    suit: str = ""
    rank: str = ""

    @property
    def red(self) -> bool:
        """Whether the card belongs to a red suit or is the red joker."""
        return self.suit in ("Hearts", "Diamonds", "Red")


def _suit_cards(suit: str) -> list[Concept]:
    pips = [Concept("pip", f"{rank} of {suit}", i + 1, suit, rank) for i, rank in enumerate(PIP_RANKS)]
    return pips + [Concept("court", f"{rank} of {suit}", i + 11, suit, rank) for i, rank in enumerate(COURT_RANKS)]


def _all() -> tuple[Concept, ...]:
    cards = [card for suit in SUITS for card in _suit_cards(suit)]
    cards += [Concept("joker", f"{suit} Joker", 0, suit, "Joker") for suit in ("Red", "Black")]
    cards += [Concept("major", name, i) for i, name in enumerate(MAJORS)]
    return tuple(cards + [Concept("sign", name, i) for i, name in enumerate(SIGNS)])


CONCEPTS = _all()
