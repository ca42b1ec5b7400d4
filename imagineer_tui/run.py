"""What every command works with: the options, where to print, and the daemon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import Final

from imagineer_tui.output import Output
from imagineerd.client import Client, Endpoints
from imagineerd.config import Paths, find_paths
from imagineerd.errors import Invalid

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
        self._undo = ExitStack()

    @cached_property
    def paths(self) -> Paths:
        """Where the daemon is. Raises `Invalid`."""
        return find_paths(self.environ)

    def client(self, *, start: bool = False) -> Client:
        """Return a client of a daemon that answers, started if need be. Raises `DaemonAway`."""
        if self._client is None:
            here = start and self.far is None
            self._client = self._started() if here else Client.connect(self.far or self.paths, name="imagineer")
            self._undo.callback(self._client.close)
        return self._client

    @cached_property
    def far(self) -> Endpoints | None:
        """The addresses of the daemon of another machine, where `--host` or `--connect` names one.

        Raises `DaemonAway` where ssh does not get there, `Invalid`, `NotFound` and `Denied`.
        """
        host, address = self.options.host, self.options.connect
        if host and address:
            raise Invalid(message="--host goes through ssh, --connect over the network: give one of them.")
        if host:
            from imagineerd.client.tunnel import Tunnel

            return self._undo.enter_context(Tunnel(host)).endpoints
        if address:
            from imagineerd.client.remote import over_network

            return over_network(self.paths.keys_dir, address)
        return None

    def only_here(self, why: str) -> None:
        """Raise `Invalid` where another machine is named for a command that is about this one."""
        if self.options.host or self.options.connect:
            raise Invalid(message=f"{why}: give neither --host nor --connect.")

    def theme(self) -> str:
        """Return the theme of `--theme`; where it is left to chance, say which one it is."""
        theme: str = self.options.theme
        if theme == "random":
            theme = self.client(start=True).themes().themes[0]
            self.out.notice(f"Theme: {theme}")
        return theme

    def close(self) -> None:
        """Leave the daemon, and the way to it."""
        self._undo.close()

    def _started(self) -> Client:
        from imagineerd.client.launch import connect  # for the commands that may start a daemon

        return connect(self.paths, start=True, started=self._say_started, name="imagineer")

    def _say_started(self, pid: int) -> None:
        self.out.notice(f"No daemon was running: started imagineerd (pid {pid}).")
