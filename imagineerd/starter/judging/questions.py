"""What is asked of a card, and how a judge's reading answers it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imagineerd.starter.concepts import CONCEPTS, Concept
from imagineerd.starter.pictures import Label

BY_NAME = {concept.name: concept for concept in CONCEPTS}
SUITED = ("pip", "court")
KIND_QUESTIONS = {"pip": "pips exact", "court": "court", "joker": "joker", "major": "emblem", "sign": "sign"}

BARS = {
    "colour": 99.5, "theme": 99.0, "pips exact": 97.0, "suit": 97.0, "spade or club": 95.0, "court": 98.0,
    "joker": 98.0, "emblem": 97.0, "sign": 98.0, "corner rank": 80.0,
}  # fmt: skip
"""Question -> the least share that is good enough, percent. In the order of the table."""


@dataclass(frozen=True)
class Reading:
    """What a judge takes a picture for; `corner` is the rank it reads in the upper left corner of a suited card."""

    concept: Concept
    theme: str
    corner: str = ""


def verdicts(label: Label, reading: Reading) -> Iterator[tuple[str, bool]]:
    """Each question that the asked card raises, with whether the reading answers it right."""
    asked, read = BY_NAME[label.concept], reading.concept
    yield "theme", reading.theme == label.theme
    yield KIND_QUESTIONS[asked.kind], _same_figure(asked, read)
    if asked.kind in SUITED:
        yield "colour", read.suit != "" and read.red == asked.red
        yield "suit", read.suit == asked.suit
        yield "corner rank", reading.corner == asked.rank
    if asked.suit in ("Spades", "Clubs"):
        yield "spade or club", read.suit == asked.suit


def _same_figure(asked: Concept, read: Concept) -> bool:
    """Pips must be as many and a court of the same rank, whatever the suit, which has its own question."""
    if asked.kind in SUITED:
        return (asked.kind, asked.number) == (read.kind, read.number)
    return asked == read


@dataclass(frozen=True)
class Share:
    """How many were right out of how many."""

    right: int
    asked: int

    @property
    def percent(self) -> float:
        """0..100."""
        return 100 * self.right / self.asked


def tally(labels: Iterable[Label], readings: Iterable[Reading]) -> dict[str, Share]:
    """Question -> share of right answers, in the table's order, questions that no card raised left out."""
    asked, right = Counter[str](), Counter[str]()
    for label, reading in zip(labels, readings, strict=True):
        for question, good in verdicts(label, reading):
            asked[question] += 1
            right[question] += good
    return {question: Share(right[question], asked[question]) for question in BARS if asked[question]}
