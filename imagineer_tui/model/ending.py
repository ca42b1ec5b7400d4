"""How a batch ended, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.protocol import Batch


def ending(batch: Batch) -> str:
    """Return `12 cards.`, or what became of those that have no picture: `53 of 54 cards; 1 held.`."""
    done = batch.states.get("done", 0)
    total = sum(batch.states.values())
    other = [f"{batch.states[state]} {state}" for state in ("failed", "held", "cancelled") if batch.states.get(state)]
    return (
        "; ".join([f"{done} of {number_of(total, 'card')}", *other]) + "." if other else f"{number_of(done, 'card')}."
    )
