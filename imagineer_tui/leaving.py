"""Leaving: the app ends between two things, never in the middle of opening a screen.

Textual closes at once whatever there is. A screen that is being opened then finds that its widgets are gone, and the
person who left finds a traceback in the shell.
"""

from __future__ import annotations

from functools import partial
from typing import Final, Generic, TypeVar

from rich.console import RenderableType
from textual.events import Event, InputEvent

from imagineer_tui.sleeping import Sleeping

R = TypeVar("R")
SOON_S: Final = 0.02
"""Seconds between two looks whether all screens stand."""


class Leaving(Sleeping[R], Generic[R]):
    """Ends as soon as every screen stands, and opens none after that; it may also be left for a while."""

    def exit(self, result: R | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the app, now or a moment later."""
        if self._all_stand:
            super().exit(result, return_code, message)
        else:
            self.set_timer(SOON_S, partial(self.exit, result, return_code, message))

    async def on_event(self, event: Event) -> None:
        """Take no more keys once it was left: those that were typed ahead could open a screen."""
        if not (self._exit and isinstance(event, InputEvent)):
            await super().on_event(event)

    @property
    def _all_stand(self) -> bool:
        screens = [screen for stack in self._screen_stacks.values() for screen in stack]
        return self._is_mounted and all(screen.is_mounted for screen in screens)
