"""Start a daemon for the terminal UI, unless one answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imagineerd.client import Client
from imagineerd.client.launch import start_daemon
from imagineerd.config import Paths
from imagineerd.errors import DaemonAway, ImagineerError

if TYPE_CHECKING:
    from imagineer_tui.app import ImagineerApp


async def start_for(app: ImagineerApp) -> None:
    """Start a daemon for the app, which says so meanwhile; that it came up, the status line tells."""
    _say_starting(app, on=True)
    try:
        await asyncio.to_thread(start, app.paths)
    except ImagineerError as error:
        said = "\n".join([error.message, *(str(problem) for problem in error.problems)])
        app.notify(said, title="The daemon did not start", severity="error", timeout=30)
    finally:
        _say_starting(app, on=False)


def start(paths: Paths) -> None:
    """Start a daemon where none answers. Raises `DaemonAway`."""
    try:
        Client.connect(paths, name="imagineer").close()
    except DaemonAway:
        start_daemon(paths)


def _say_starting(app: ImagineerApp, *, on: bool) -> None:
    app.world.connection.starting = on
    app.gathering.add(frozenset({"connection"}))
