"""What the gallery shows: a deck with one card for each slot, the takes of one slot, or what a search found."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagineerd.protocol import BatchDetail, ListedTake, Slot, Take, TakeDetail

OPEN = frozenset({"queued", "running", "held"})


@dataclass(frozen=True)
class Card:
    """One cell: a take, or the slot that has none yet. `takes` is how many its slot has, `state` that of the slot."""

    name: str
    batch: str
    slot: int
    take: Take | None = None
    pick: bool = False
    state: str = ""
    takes: int = 1

    @property
    def key(self) -> str:
        """The take's number as text, empty where there is none."""
        return str(self.take.id) if self.take else ""

    def is_hidden(self, revealed: Iterable[int]) -> bool:
        """Say whether it is blurred: labelled not safe for work, and nobody asked to see it."""
        return bool(self.take and self.take.is_nsfw and self.take.id not in revealed)


def deck(detail: BatchDetail) -> list[Card]:
    """Return one card for each slot: its pick."""
    return [_of_slot(slot, detail.batch.id) for slot in detail.slots]


def pick_of(slot: Slot) -> Take | None:
    """Return the take that counts for a slot: its pick, else the newest one; None where it has none."""
    return next((take for take in slot.takes if take.id == slot.pick), slot.takes[-1] if slot.takes else None)


def _of_slot(slot: Slot, batch: str) -> Card:
    picked = pick_of(slot)
    return Card(slot.name, batch, slot.index, picked, picked is not None, slot.state.value, len(slot.takes))


def takes_of(detail: BatchDetail, index: int) -> list[Card]:
    """Return the takes of the slot with this index, the oldest first; the slot itself where it has none."""
    slot = next((slot for slot in detail.slots if slot.index == index), None)
    if slot is None:
        return []
    card = _of_slot(slot, detail.batch.id)
    shown = [replace(card, take=take, pick=take.id == slot.pick, name=f"seed {take.seed}") for take in slot.takes]
    return shown or [card]


def as_now(cards: Iterable[Card], detail: BatchDetail) -> list[Card]:
    """Return these cards as a batch has them now; without those whose take it has no more."""
    slots = {slot.index: slot for slot in detail.slots}
    return [now for card in cards if (now := _in(slots, card) if card.batch == detail.batch.id else card)]


def _in(slots: Mapping[int, Slot], card: Card) -> Card | None:
    slot = slots.get(card.slot)
    take = next((take for take in slot.takes if card.key == str(take.id)), None) if slot else None
    return replace(card, take=take, pick=pick_of(slot) == take) if slot and take else None


def found(takes: Iterable[ListedTake]) -> list[Card]:
    """Return what a search found, the newest first."""
    return [_of_listed(listed) for listed in takes]


def _of_listed(listed: ListedTake) -> Card:
    take = listed.take
    return Card(listed.card, take.batch, take.slot, take, listed.pick, "done")


def place_of(cards: list[Card], card: Card | None) -> int:
    """Return where a card stands: the same take, else the same slot, else the beginning."""
    if card is None:
        return 0
    same_slot = [at for at, other in enumerate(cards) if (other.batch, other.slot) == (card.batch, card.slot)]
    same_take = [at for at in same_slot if cards[at].key == card.key]
    return next(iter(same_take or same_slot), 0)


def command_of(detail: TakeDetail) -> str:
    """Return the command line that draws a take again."""
    spec = detail.spec
    words = ["imagineer", "generate", spec.prompt, "--seed", str(spec.seed), "--width", str(spec.width)]
    words += ["--height", str(spec.height), "--steps", str(spec.steps), "--guidance-scale", f"{spec.guidance_scale:g}"]
    words += ["--scheduler", spec.scheduler]
    for lora in spec.mix:
        words += ["--lora", f"{lora.name}:{lora.weight:g}"]
    if spec.negative_prompt:
        words += ["--negative-prompt", spec.negative_prompt]
    return shlex.join(words)
