"""What the requests work with."""

from __future__ import annotations

from collections.abc import Sequence

from imagineerd import config as configuration
from imagineerd.answers.models import Models
from imagineerd.dispatch import Dispatcher
from imagineerd.errors import Invalid
from imagineerd.events import Events
from imagineerd.labeling import Labeling
from imagineerd.reuse import Reuse
from imagineerd.store import Store
from imagineerd.trash import Trash


class Parts:
    """The parts of the daemon that requests ask and tell; `config` is the configuration as it is now."""

    def __init__(  # noqa: PLR0913, PLR0917 - it joins the parts of the daemon
        self,
        paths: configuration.Paths,
        config: configuration.Config,
        store: Store,
        dispatcher: Dispatcher,
        labeling: Labeling,
        events: Events,
        trash: Trash,
    ) -> None:
        self.paths = paths
        self.config = config
        self.store = store
        self.dispatcher = dispatcher
        self.labeling = labeling
        self.lanes = (dispatcher, labeling)
        self.events = events
        self.trash = trash
        self.models = Models(paths, lambda: self.config)
        self.reuse = Reuse(store, self.let_wait)

    async def let_wait(self, jobs: Sequence[int]) -> None:
        """Tell the dispatchers of jobs as far as they wait, where they stand now."""
        entries = await self.store.waiting(jobs)
        for lane in self.lanes:
            lane.add(entries)


def one_of(numbers: tuple[int, ...], batch: str | None, things: str = "jobs") -> None:
    """Raise `Invalid` unless either numbers or a batch are named, and not both."""
    if bool(numbers) == bool(batch):
        raise Invalid(message=f"Name either {things} or one batch.", field=f"$.{things}")
