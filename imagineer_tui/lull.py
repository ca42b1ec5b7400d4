"""Tidying up while nobody is at it: full collections of garbage hold the event loop up (`collector.py`)."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final, Generic, TypeVar

from textual.app import App
from textual.events import Event, InputEvent

from imagineer_tui import collector

R = TypeVar("R")
LULL_S: Final = 2.0
"""Who touches nothing for so long does not notice a tenth of a second."""
LOOK_S: Final = 10.0
"""Seconds between two looks whether it is quiet."""


class Tidying(App[R], Generic[R]):
    """An app that collects garbage when neither a key was pressed nor the mouse moved for a while."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._touched_at = 0.0

    def on_mount(self) -> None:
        """Look for a quiet moment, where full collections are held."""
        if collector.is_held():
            self.set_interval(LOOK_S, self._tidy)

    async def on_event(self, event: Event) -> None:
        """Note that somebody is at it."""
        if isinstance(event, InputEvent):
            self._touched_at = monotonic()
        await super().on_event(event)

    def _tidy(self) -> None:
        if monotonic() - self._touched_at > LULL_S:
            collector.tidy()
