"""A pseudo-terminal with a script: it answers questions as some terminal would, late if need be, and counts bytes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from house import ROOT, TESTS, WAIT_S, wait_until

from imagineer_tui.terminal import replies

ESC = b"\x1b"
DA1 = {replies.FENCE: b"\x1b[?62;22c"}
TRUECOLOR = {b"\x1bP$qm\x1b\\": b"\x1bP1$r48:2:1:2:3m\x1b\\"}
KITTY = {
    **DA1,
    **TRUECOLOR,
    replies.KITTY: b"\x1b_Gi=31;OK\x1b\\",
    replies.NAME: b"\x1bP>|kitty(0.42.1)\x1b\\",
    replies.CELL: b"\x1b[6;20;10t",
    replies.BACKGROUND: b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
}
FOOT = {
    replies.FENCE: b"\x1b[?62;4;22c",
    **TRUECOLOR,
    replies.NAME: b"\x1bP>|foot(1.19.0)\x1b\\",
    replies.CELL: b"\x1b[6;18;9t",
    replies.BACKGROUND: b"\x1b]11;rgb:ff/ff/ff\x1b\\",
}
XTERM = {
    replies.FENCE: b"\x1b[?63;1;2;4;6;9;15;16;22;28c",
    **TRUECOLOR,
    replies.SIXEL_SIZE: b"\x1b[?2;0;1000;1000S",
    replies.NAME: b"\x1bP>|XTerm(379)\x1b\\",
    replies.CELL: b"\x1b[6;15;8t",
    replies.BACKGROUND: b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
}
TMUX = {replies.FENCE: b"\x1b[?1;2c", replies.NAME: b"\x1bP>|tmux 3.3a\x1b\\"}
SILENT: dict[bytes, bytes] = {}

LEAVE_ALTERNATE = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
MOUSE_OFF = b"\x1b[?1003l"


@dataclass
class Screen:
    """What a terminal remembers of the sequences that it was sent."""

    alternate: bool = False
    cursor: bool = True
    mouse: bool = False
    pasting: bool = False

    MODES = {b"1049": "alternate", b"25": "cursor", b"1003": "mouse", b"2004": "pasting"}  # noqa: RUF012

    @classmethod
    def after(cls, output: bytes) -> Screen:
        """Return the state after all of this output."""
        screen = cls()
        for mode, switch in re.findall(rb"\x1b\[\?(\d+)([hl])", output):
            if mode in cls.MODES:
                setattr(screen, cls.MODES[mode], switch == b"h")
        return screen


@dataclass
class PseudoTerminal:
    """A process on a terminal of `size` (columns, rows) that answers after `delay` seconds.

    With `rate`, it takes so many bytes a second; the line has room for a few kilobytes.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    answers: Mapping[bytes, bytes] = field(default_factory=lambda: KITTY)
    delay: float = 0.0
    size: tuple[int, int] = (80, 24)
    rate: int | None = None

    def __enter__(self) -> Self:
        self.output = bytearray()
        self._lost = threading.Event()
        self._taking = threading.Event()
        self._taking.set()
        self._master, self._slave = pty.openpty()
        columns, rows = self.size
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            self.command, env=dict(self.environ), stdin=self._slave, stdout=self._slave, stderr=self._slave,
            preexec_fn=self._take_terminal, cwd=ROOT,  # noqa: PLW1509 - a terminal is taken in the child alone
        )  # fmt: skip
        self._reading = threading.Thread(target=self._read_on, daemon=True)
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.lose()

    @property
    def screen(self) -> Screen:
        """The state that the terminal is in."""
        return Screen.after(bytes(self.output))

    @property
    def echoes(self) -> bool:
        """Whether typed keys are shown and lines are put together, as the shell wants it."""
        return termios.tcgetattr(self._slave)[3] == self.attributes[3]

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def wait_for(self, text: bytes) -> None:
        """Wait until this was written."""
        wait_until(lambda: text in self.output)

    def bytes_until_quiet(self, quiet: float = 0.6) -> int:
        """Return how many bytes are written until nothing was for so many seconds."""
        before = last = len(self.output)
        began = since = time.monotonic()
        while time.monotonic() - since < quiet:
            assert time.monotonic() - began < WAIT_S, "The terminal never gets quiet."
            time.sleep(0.01)
            if len(self.output) != last:
                last, since = len(self.output), time.monotonic()
        return last - before

    def bytes_after(self, keys: bytes) -> int:
        """Press keys; return how many bytes are written until all is quiet again after the first of them."""
        before = len(self.output)
        self.type(keys)
        wait_until(lambda: len(self.output) > before)
        self.bytes_until_quiet()
        return len(self.output) - before

    def bytes_in(self, seconds: float) -> int:
        """Return how many bytes are written in a time."""
        before = len(self.output)
        time.sleep(seconds)
        return len(self.output) - before

    def ended(self) -> int:
        """Wait for the end of the process and of its output; return the exit code."""
        code = self.process.wait(timeout=30)
        self.bytes_until_quiet(0.2)
        return code

    def pause(self) -> None:
        """Take nothing any more."""
        self._taking.clear()

    def go_on(self) -> None:
        """Take what is written again."""
        self._taking.set()

    def lose(self) -> None:
        """Take the terminal away, as a lost connection does."""
        if not self._lost.is_set():
            self._lost.set()
            self._reading.join()
            os.close(self._slave)
            os.close(self._master)

    def _take_terminal(self) -> None:
        os.setsid()
        fcntl.ioctl(self._slave, termios.TIOCSCTTY, 0)

    def _read_on(self) -> None:
        answered = 0
        while not self._lost.is_set():
            if not (self._taking.wait(0.05) and select.select([self._master], [], [], 0.05)[0]):
                continue
            data = os.read(self._master, 4096)
            self.output += data
            answered = self._answer(answered)
            if self.rate:
                time.sleep(len(data) / self.rate)

    def _answer(self, start: int) -> int:
        """Answer the questions since `start`, in their order; return where to look on."""
        output = bytes(self.output)
        asked = sorted((output.find(question, start), question) for question in self.answers)
        found = [(place, question) for place, question in asked if place >= 0]
        if not found:
            return start
        text = b"".join(self.answers[question] for _, question in found)
        threading.Timer(self.delay, self._type_if_there, [text]).start()
        place, question = found[-1]
        return place + len(question)

    def _type_if_there(self, text: bytes) -> None:
        if not self._lost.is_set():
            self.type(text)


def small_app(name: str, report: Path) -> list[str]:
    """Return the command of one of `small_apps.py`; what it has seen stands in `report` when it ended."""
    return [sys.executable, str(TESTS / "small_apps.py"), name, str(report)]
