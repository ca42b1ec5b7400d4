"""What every command works with: the options, where to print, and the daemon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from imagineer_tui.output import Output
from imagineerd.client import Client
from imagineerd.config import Paths, find_paths

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
AWAY: Final = 3
INTERRUPTED: Final = 130


class Run:
    """One run of the program: what was asked for, where it is printed, and the daemon."""

    def __init__(self, options: argparse.Namespace, environ: Mapping[str, str]) -> None:
        self.options = options
        self.out = Output(json=options.json)
        self.environ = environ
        self._client: Client | None = None

    @cached_property
    def paths(self) -> Paths:
        """Where the daemon is. Raises `Invalid`."""
        return find_paths(self.environ)

    def client(self, *, start: bool = False) -> Client:
        """Return a client of a daemon that answers, started if need be. Raises `DaemonAway`."""
        if self._client is None:
            self._client = self._started() if start else Client.connect(self.paths, name="imagineer")
        return self._client

    def theme(self) -> str:
        """Return the theme of `--theme`; where it is left to chance, say which one it is."""
        theme: str = self.options.theme
        if theme == "random":
            theme = self.client(start=True).themes().themes[0]
            self.out.notice(f"Theme: {theme}")
        return theme

    def close(self) -> None:
        """Leave the daemon."""
        if self._client:
            self._client.close()

    def _started(self) -> Client:
        from imagineerd.client.launch import connect  # for the commands that may start a daemon

        return connect(self.paths, start=True, started=self._say_started, name="imagineer")

    def _say_started(self, pid: int) -> None:
        self.out.notice(f"No daemon was running: started imagineerd (pid {pid}).")
