"""Textual's driver with a line of its own: a slow terminal holds back pictures, never the event loop.

Textual's driver writes through a queue of 30 entries and waits, event loop and all, while it is full.
Here every write is taken at once; while too much waits for the terminal, nothing is painted, and when
it is out the newest state is, so frames in between are never sent.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, cast

from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

from imagineer_tui.terminal.escapes import Parser
from imagineer_tui.terminal.outbox import Outbox

TERMINAL: Final = 2
"""Textual draws on standard error, so that standard output may go elsewhere."""
PATIENCE_S: Final = 1.0
"""How long a terminal may take for the last bytes, which bring it back to the shell, in seconds."""


class Driver(LinuxDriver):
    """Reads the keyboard and writes to the terminal through an `Outbox`; for `App(driver_class=Driver)`."""

    outbox: Outbox

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._holding = ExitStack()
        self._held: tuple[object, object] | None = None

    def run_input_thread(self) -> None:
        """Read what is typed with a parser of ours, which Textual's driver looks up in its module."""
        linux_driver.XTermParser = Parser  # type: ignore[attr-defined]
        super().run_input_thread()

    def start_application_mode(self) -> None:
        """Take the terminal over: at the start, and again when the shell's `fg` brings us back."""
        self.outbox = Outbox(TERMINAL, self._soon(self._hold), self._soon(self._release))
        self._file = cast("Any", self.outbox)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Leave the terminal as it was; what was still to be painted is forgotten."""
        self.outbox.drop()
        super().stop_application_mode()

    def close(self) -> None:
        """Let the last bytes out."""
        super().close()
        self.outbox.close(PATIENCE_S)

    def _soon(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return what any thread may call to have `callback` called in the event loop."""

        def call() -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(callback)

        return call

    def _hold(self) -> None:
        """Paint nothing from now on."""
        if self._app.is_running:
            self._held = (self._app.screen, self._app.size)
            self._holding.enter_context(self._app.batch_update())

    def _release(self) -> None:
        """Paint what has changed meanwhile; everything, if that was the screen itself."""
        self._holding.close()
        if self._app.is_running:
            screen = self._app.screen
            if self._held != (screen, self._app.size):
                screen.refresh(layout=True)
            screen.check_idle()  # or it would wait for its next message


def send(app: App[Any], sequence: str) -> None:
    """Write a sequence to the terminal in turn with what Textual paints."""
    if app._driver is not None:  # noqa: SLF001 - Textual gives no other way
        app._driver.write(sequence)  # noqa: SLF001
