"""Auditions: the same card with one mix after the other. The newest counts; two that were finished are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from imagineer_tui.model.compose import RANGES
from imagineer_tui.model.mixer import Desk
from imagineerd.protocol import Settings

if TYPE_CHECKING:
    from imagineerd.protocol import Batch, Take

DRAFT_STEPS: Final = 8
"""Steps of an audition that names none: enough to see what a weight does."""
SEED: Final = 4711
"""The seed of an audition that names none; it stays the same, so that only the mix differs."""
NOTHING: Final = Desk()
NO_LORAS: Final = "without LoRAs"
FAILED: Final = frozenset({"failed", "cancelled", "held"})


class Offer(NamedTuple):
    """The set whose first card is auditioned where nothing else is said, and its theme."""

    set_id: str = "zodiac"
    theme: str = ""

    def __str__(self) -> str:
        return f"{self.set_id} 1"


class Subject(NamedTuple):
    """What an audition draws: a prompt, or a card of a set where `set_id` is not empty; then `prompt` is its theme."""

    prompt: str
    set_id: str
    card: int
    settings: Settings

    def __str__(self) -> str:
        return f"{self.set_id} {self.card}" if self.set_id else self.prompt


class Heard(NamedTuple):
    """A finished audition: its take, and the desk it was drawn with."""

    take: int
    desk: Desk


@dataclass
class Auditions:
    """What was heard last, and the job that draws the next one, 0 where none does."""

    before: Heard | None = None
    now: Heard | None = None
    job: int = 0
    fault: str = ""
    _desk: Desk = NOTHING
    _superseded: set[int] = field(default_factory=set)

    @property
    def left(self) -> Heard | None:
        """What stands on the left: while the next one is drawn, that is what was heard last."""
        return self.now if self.job else self.before

    @property
    def right(self) -> Heard | None:
        """What stands on the right; None while it is drawn."""
        return None if self.job else self.now

    @property
    def captions(self) -> tuple[str, str]:
        """What each side was drawn with, or is; where there are two sides, what of it the other one has not."""
        left = self.left.desk if self.left else None
        right = self._desk if self.job else self.right.desk if self.right else None
        return told(left, right), told(right, left)

    def begin(self, job: int, desk: Desk) -> None:
        """This job draws the desk now."""
        self.job, self._desk, self.fault = job, desk, ""

    def supersede(self) -> int:
        """Give up what is drawn; return its job, 0 where nothing was."""
        job, self.job = self.job, 0
        self._superseded |= {job} - {0}
        return job

    def note(self, state: str, why: str) -> None:
        """The job that draws is in this state; in some, it comes to nothing."""
        if state in FAILED:
            self.job, self.fault = 0, why or state

    def land(self, takes: Iterable[Take]) -> list[int]:
        """Take in what has landed; return the takes that nobody looks at any more."""
        idle = []
        for take in takes:
            if take.job in self._superseded:
                self._superseded.discard(take.job)
                idle.append(take.id)
            elif take.job == self.job:
                idle += [self.before.take] if self.before else []
                self.before, self.now, self.job = self.now, Heard(take.id, self._desk), 0
        return idle

    def swap(self) -> Desk | None:
        """Go back to what was heard before, and forth again; return its desk."""
        if self.before is None or self.now is None or self.job:
            return None
        self.before, self.now = self.now, self.before
        return self.now.desk


def told(desk: Desk | None, beside: Desk | None) -> str:
    """Return a mix in words, where it differs from the one beside it if there is one and it does."""
    if desk is None:
        return ""
    weights = {lora.name: lora.weight for lora in desk.mix}
    others = {lora.name: lora.weight for lora in beside.mix} if beside else {}
    names = [name for name in weights | others if weights.get(name) != others.get(name)] or list(weights)
    return " + ".join(f"{name} {weights[name]:g}" if name in weights else f"no {name}" for name in names) or NO_LORAS


def offer_of(decks: Iterable[Batch]) -> Offer:
    """Return what may be auditioned before anything was said: of the deck that was dealt last."""
    return next((Offer(deck.set, deck.theme) for deck in decks if deck.set and not deck.grid), Offer())


def read_subject(draft: Mapping[str, str], offer: Offer) -> tuple[Subject, dict[str, str]]:
    """Return what the fields `prompt`, `card` (`zodiac 3`), `seed` and `steps` say, and sentences for wrong ones.

    With a card the prompt is its theme; where there is neither, it is what is offered.
    """
    numbers, faults = _numbers(draft)
    prompt, card = draft.get("prompt", "").strip(), draft.get("card", "").strip()
    if not prompt and not card:
        prompt, card = offer.theme, str(offer)
    set_id, _, number = card.partition(" ")
    number = number.strip() or "1"
    if not number.isdecimal():
        faults["card"] = f"“{number}” is no number of a card: write a set and a number, such as zodiac 3."
    settings = Settings(seed=numbers["seed"], steps=numbers["steps"])
    return Subject(prompt, set_id, int(number) if number.isdecimal() else 1, settings), faults


def _numbers(draft: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    numbers = {"seed": SEED, "steps": DRAFT_STEPS}
    faults: dict[str, str] = {}
    for name in numbers:
        if text := draft.get(name, "").strip():
            try:
                numbers[name] = int(RANGES[name].read(text))
            except ValueError as error:
                faults[name] = str(error)
    return numbers, faults
