"""Do something soon, once, however often it is asked for until then: keys are held down, events come in showers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SOON_S: Final = 0.25


class Soon:
    """`set_timer` calls a function after so many seconds."""

    def __init__(self, set_timer: Callable[[float, Callable[[], None]], object]) -> None:
        self._set_timer = set_timer
        self._waiting: set[str] = set()

    def do(self, what: str, act: Callable[[], object], seconds: float = SOON_S) -> None:
        """Call `act` after so many seconds, unless another call of the same name is still to come."""

        def now() -> None:
            self._waiting.discard(what)
            act()

        if what not in self._waiting:
            self._waiting.add(what)
            self._set_timer(seconds, now)
