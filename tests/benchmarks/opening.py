"""From the command to the first paint of the terminal UI, beside the smallest app that Textual can show."""

from __future__ import annotations

import compileall
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Final

from houses import IDLE, WAIT_S, House, house
from table import Line, median_of, seconds

ROUNDS: Final = 7
GOAL_S: Final = 0.15
PACKAGES: Final = tuple(Path(__file__).resolve().parents[2] / name for name in ("imagineer_tui", "imagineerd"))
BARE: Final = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("painted")

Bare().run()
"""


def lines() -> list[Line]:
    """Open both in turn, against an idle daemon; ours is compiled first, as pip compiled Textual."""
    for package in PACKAGES:
        compileall.compile_dir(package, quiet=1)
    with house(IDLE) as found:
        bare, ours = median_of(
            ROUNDS,
            lambda: first_paint(found, b"painted", "-c", BARE),
            lambda: first_paint(found, b"Sets", "-m", "imagineer_tui"),
        )
    later = statistics.median(ours) - statistics.median(bare)
    return [
        Line(
            benchmark="opening",
            measure="imagineer: until the first paint",
            imagineer=seconds(ours),
            reference=f"a Textual app with one word: {seconds(bare)}",
            ratio=statistics.median(ours) / statistics.median(bare),
            goal=f"<= {GOAL_S:g} s later",
            met=later <= GOAL_S,
        )
    ]


def first_paint(found: House, text: bytes, *arguments: str) -> float:
    """Return the seconds until a program on a terminal of 80x24 has painted this; it answers no question but DA1."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = {**found.environ, "TERM": "xterm-256color"}
    began = time.perf_counter()
    with subprocess.Popen(
        (sys.executable, "-P", *arguments), env=environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    ) as process:
        try:
            _read_until(master, text)
            return time.perf_counter() - began
        finally:
            process.kill()
            os.close(slave)
            os.close(master)


def _read_until(master: int, text: bytes) -> None:
    output, answered, end = b"", False, time.monotonic() + WAIT_S
    while text not in output:
        if not select.select([master], [], [], end - time.monotonic())[0]:
            raise TimeoutError(f"{text!r} was not painted in {WAIT_S:g} s.")
        output += os.read(master, 4096)
        if not answered and b"\x1b[c" in output:
            answered = True
            os.write(master, b"\x1b[?62;22c")
