"""tmux between us and the terminal: asking it, and reaching around it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

PATIENCE_S: Final = 1.0
"""How long a command of tmux may take, in seconds."""


def wrapped(sequence: str) -> str:
    """Return a sequence that tmux hands to the terminal around it, where `allow-passthrough` is on (tmux(1))."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


def run(environ: Mapping[str, str], *arguments: str, given: str = "") -> str | None:
    """Run a command of the tmux around us on `given`; return what it says, None where it fails."""
    program = shutil.which("tmux", path=environ.get("PATH", os.defpath))
    if program is None or "TMUX" not in environ:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - tmux itself, with options of ours
            (program, *arguments),
            input=given,
            env=dict(environ),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def allows_passthrough(environ: Mapping[str, str]) -> bool:
    """Say whether tmux hands wrapped sequences on. Before tmux 3.3 there was no option, and it always did."""
    said = run(environ, "show-options", "-Apqv", "allow-passthrough")
    return said is not None and said.strip() in {"on", "all", ""}
