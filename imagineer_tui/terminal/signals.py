"""Signals that end the program leave the terminal as it was."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def leave_on_signals(leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code that a shell expects, 128 and the signal's number.

    To be called in the event loop's thread while it runs; SIGINT is a key for Textual.
    """
    loop = asyncio.get_running_loop()
    for signum in ENDING:
        loop.add_signal_handler(signum, leave, 128 + signum)
