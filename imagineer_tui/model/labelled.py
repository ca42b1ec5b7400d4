"""What is open in Labels: the batches, the takes of one of them, and label jobs that ended before the app looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagineer_tui.model import labels
from imagineer_tui.model.labels import Entry, Tally
from imagineer_tui.model.world import World

if TYPE_CHECKING:
    from imagineerd.jobs import Job
    from imagineerd.protocol import Batch, BatchDetail, LabelChanged


@dataclass
class Labelled:
    """`batch` and `take` (its number as text) are where the cursors are; `wanted` is where they go to next.

    `words` are those that the takes are filtered by.
    """

    batch: str = ""
    take: str = ""
    wanted: tuple[str, str] = ("", "")
    words: str = ""
    batches: Sequence[Batch] = ()
    detail: BatchDetail | None = None
    earlier: Sequence[Job] = ()

    def open(self, batch: str, take: str = "") -> None:
        """Open a batch, with the cursor on a take where one is named."""
        self.batch, self.take = self.wanted = batch, take

    def arrive(self) -> tuple[str, str]:
        """Return where the cursors go to; from then on they stay where they are."""
        wanted, self.wanted = self.wanted, ("", "")
        return wanted

    def choose_from(self, batches: Sequence[Batch]) -> None:
        """Take the batches that there are; where the open one is not among them, open the first."""
        self.batches = batches
        if self.batch not in {batch.id for batch in batches}:
            self.batch = batches[0].id if batches else ""

    def change(self, changed: LabelChanged) -> bool:
        """Put another label on a take of the open batch; say whether it is one."""
        if self.detail is None or changed.batch != self.detail.batch.id:
            return False
        self.detail = labels.with_label(self.detail, changed)
        return True

    def look(self, world: World) -> tuple[list[tuple[Batch, Tally]], list[Entry]]:
        """Return all batches with how far each is, and the takes of the open one."""
        jobs = labels.newest_jobs(world, self.earlier)
        found = labels.entries(self.detail, jobs) if self.detail else []
        tallies = {batch.id: labels.tally(batch, jobs.values()) for batch in self.batches}
        if self.detail:
            tallies[self.detail.batch.id] = labels.tally_of(found)
        return [(batch, tallies[batch.id]) for batch in self.batches], found
