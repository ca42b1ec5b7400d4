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
    """Start a daemon for the app, which says so meanwhile, and what came of it."""
    _say_starting(app, on=True)
    try:
        pid = await asyncio.to_thread(start, app.paths)
    except ImagineerError as error:
        said = "\n".join([error.message, *(str(problem) for problem in error.problems)])
        app.notify(said, title="The daemon did not start", severity="error", timeout=30)
    else:
        if pid:
            app.notify(f"No daemon was running: started imagineerd (pid {pid}).")
    finally:
        _say_starting(app, on=False)


def start(paths: Paths) -> int | None:
    """Return the pid of the daemon that was started, None where one answers already. Raises `DaemonAway`."""
    try:
        Client.connect(paths, name="imagineer").close()
    except DaemonAway:
        return start_daemon(paths)
    return None


def _say_starting(app: ImagineerApp, *, on: bool) -> None:
    app.world.connection.starting = on
    app.gathering.add(frozenset({"connection"}))
