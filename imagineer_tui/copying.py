"""What is copied goes to the clipboard of the terminal, through tmux too; in this app it can be pasted in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Generic, TypeVar

from textual import work
from textual.app import App

from imagineer_tui.terminal import clipboard
from imagineer_tui.terminal.driver import send

R = TypeVar("R")


class Copying(App[R], Generic[R]):
    """An app whose clipboard is that of the terminal."""

    environ: Mapping[str, str]

    def copy_to_clipboard(self, text: str) -> None:
        """Send a text to the clipboard."""
        self._clipboard = text
        self._send_to_clipboard(text)

    @work(group="clipboard", exclusive=True, exit_on_error=False)
    async def _send_to_clipboard(self, text: str) -> None:
        await asyncio.to_thread(clipboard.send, text, self.environ, partial(send, self))

    def copy(self, text: str, what: str) -> None:
        """Send a text to the clipboard. Whether it arrives, nobody tells."""
        self.copy_to_clipboard(text)
        self.notify(f"Sent {what} to the clipboard.")
