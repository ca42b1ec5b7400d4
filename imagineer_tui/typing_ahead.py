"""Keys in turn: what a key does is done before the next one is looked at.

Textual hands a key to what has the focus when it comes. Over a slow line several come at once, and those after the one
that opens a field would count as commands. Here each does what it would have done, had it been typed slowly.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any, Final, Generic, TypeVar

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key

R = TypeVar("R")
ROUNDS: Final = 3
"""How often the way of a key is gone after it: its handler may send a message, whose handler sends one, which moves
the focus."""
SOON_S: Final = 0.02
"""Seconds between two looks for the first screen, for keys that came before it."""


class KeysInTurn(App[R], Generic[R]):
    """Hands on one key after the other."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._typed: deque[Key] = deque()
        self._after: DOMNode | None = None
        """The widget behind whose messages the next key waits; None while none has its turn."""

    async def on_event(self, event: Event) -> None:
        """Hand on a key, or keep it while another one has its turn; drop one that comes back when all is closed."""
        if not isinstance(event, Key) or event.is_forwarded:
            if not isinstance(event, Key) or self.screen_stack:
                await super().on_event(event)
            return
        self._typed.append(event)
        # A widget that is gone takes what waits there with it.
        if self._after is None or not self._after.is_running:
            await self._hand_on()

    async def _hand_on(self) -> None:
        """Let the next key have its turn."""
        self._after = self if self._typed else None
        if not self._typed:
            return
        if not self.screen_stack:
            self.set_timer(SOON_S, self._hand_on)
            return
        await super().on_event(self._typed.popleft())
        self._go_after(self._where_keys_go(), ROUNDS)

    def _where_keys_go(self) -> DOMNode | None:
        """What has the focus, or its screen; None when all screens are closed, as they are at the end."""
        return (self.focused or self.screen) if self.screen_stack else None

    def _go_after(self, node: DOMNode | None, rounds: int) -> None:
        """Go from widget to widget up to the app, behind all that waits there."""
        while node is not None and not node.call_later(partial(self._go_after, node.parent, rounds)):
            node = node.parent  # that one is gone
        self._after = self if node is None else node
        if node is None:
            self.call_later(self._came_back, rounds - 1)

    async def _came_back(self, rounds: int) -> None:
        if rounds:
            self._go_after(self._where_keys_go(), rounds)
        else:
            await self._hand_on()
