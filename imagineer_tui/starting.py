"""Start a daemon for the terminal UI, unless one answers."""

from __future__ import annotations

from imagineerd.client import Client
from imagineerd.client.launch import start_daemon
from imagineerd.config import Paths
from imagineerd.errors import DaemonAway


def start(paths: Paths) -> int | None:
    """Return the pid of the daemon that was started, None where one answers already. Raises `DaemonAway`."""
    try:
        Client.connect(paths, name="imagineer").close()
    except DaemonAway:
        return start_daemon(paths)
    return None
