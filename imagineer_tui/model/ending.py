"""How a batch ended, or cards that were added to it, in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from imagineer_tui.model.queue import name_of
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.jobs import Job
    from imagineerd.protocol import Batch


class Ended(NamedTuple):
    """A batch without any open job; `again` are those that ended now, where it had been finished before them."""

    batch: Batch
    again: tuple[Job, ...] = ()

    @property
    def title(self) -> str:
        """What is finished."""
        match self.again:
            case ():
                return f"{self.batch.title} is finished"
            case (job,):
                return f"{name_of(job)} of {self.batch.title} is finished"
            case _:
                return f"{len(self.again)} cards of {self.batch.title} are finished"

    @property
    def text(self) -> str:
        """What became of it."""
        return _became(Counter(job.state.value for job in self.again)) if self.again else ending(self.batch)


def ending(batch: Batch) -> str:
    """Return `12 cards.`, or what became of those that have no picture: `53 of 54 cards; 1 held.`.

    What has no set has no cards: its takes are counted.
    """
    return _became(batch.states) if batch.set else _became({**batch.states, "done": batch.takes}, "take")


def _became(states: Mapping[str, int], thing: str = "card") -> str:
    done = states.get("done", 0)
    total = sum(states.values())
    other = [f"{states[state]} {state}" for state in ("failed", "held", "cancelled") if states.get(state)]
    return "; ".join([f"{done} of {number_of(total, thing)}", *other]) + "." if other else f"{number_of(done, thing)}."
