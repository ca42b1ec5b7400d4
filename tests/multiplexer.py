"""A real tmux on a pseudo-terminal, with a server of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Self

from house import ROOT, short_folder, wait_until
from pseudo_terminal import TMUX, PseudoTerminal


class Multiplexer:
    """tmux as it is without a configuration; `terminal` is the one around it, `environ` what runs inside has."""

    def __init__(self, size: tuple[int, int] = (80, 24), command: str = "sh", **environ: str) -> None:
        self._folder = short_folder()
        self._socket = self._folder / "tmux"
        outside = {
            "PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": str(self._folder), "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT), **environ,
        }  # fmt: skip
        arguments = ["tmux", "-f", os.devnull, "-S", str(self._socket), "new-session", command]
        self.terminal = PseudoTerminal(arguments, outside, TMUX, size=size)
        self.environ: Mapping[str, str] = {**outside, "TMUX": f"{self._socket},0,0", "TERM": "screen"}

    def __enter__(self) -> Self:
        self.terminal.__enter__()
        wait_until(self._socket.exists)
        wait_until(lambda: self.run("list-clients"))
        return self

    def __exit__(self, *_: object) -> None:
        self.run("kill-server")
        self.terminal.__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *arguments: str) -> str:
        """Run a command of tmux; return what it says."""
        command = ("tmux", "-S", str(self._socket), *arguments)
        return subprocess.run(command, env=dict(self.environ), capture_output=True, text=True, check=False).stdout

    def captured(self) -> str:
        """Return what the pane shows, with its colours."""
        return self.run("capture-pane", "-e", "-p")
