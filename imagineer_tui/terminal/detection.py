"""What the terminal can show, asked of it before Textual starts.

All questions go out in one write and all replies are read until the fence is answered, so that no
reply is left to be taken for keys. A terminal that answers nothing costs `PATIENCE_S` once.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from imagineer_tui.terminal import replies, tmux
from imagineer_tui.terminal.colors import Colors, colors_of
from imagineer_tui.terminal.replies import Replies, read_replies

PATIENCE_S: Final = 2.0
"""How long the fence's answer is waited for, in seconds."""
USUAL_CELL: Final = (10, 20)
"""Pixels of a cell where nobody tells; only the shape matters much."""
HALF: Final = 128
"""Of the brightest, 255."""
PRINTS_UNKNOWN_STRINGS: Final = frozenset({"Apple_Terminal"})
"""Values of TERM_PROGRAM of terminals that print strings that they do not know instead of ignoring them."""


@dataclass(frozen=True)
class Terminal:
    """What a terminal can show.

    `cell` and `sixel_size`, which no Sixel picture may exceed, are (width, height) in pixels; `background` red, green
    and blue from 0 to 255, None where it was not told; `name` what the terminal calls itself. `passthrough`: tmux
    hands wrapped sequences to the terminal around it. `reasons` says in words how each of these is known.
    """

    tty: bool = False
    name: str = ""
    kitty: bool = False
    sixel: bool = False
    sixel_size: tuple[int, int] | None = None
    colors: Colors = "none"
    cell: tuple[int, int] = USUAL_CELL
    background: tuple[int, int, int] | None = None
    multiplexer: str = ""
    passthrough: bool = False
    no_color: bool = False
    remote: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def dark(self) -> bool:
        """Whether the background is dark (Rec. 601 luma); so where it was not told."""
        red, green, blue = self.background or (0, 0, 0)
        return 0.299 * red + 0.587 * green + 0.114 * blue < HALF

    @property
    def environ(self) -> dict[str, str]:
        """What to put into the environment before an app is made, which only looks at COLORTERM."""
        return {"COLORTERM": "truecolor"} if self.colors == "truecolor" else {}


UNASKED: Final = Terminal(tty=True, name="the terminal", colors="truecolor", reasons=("The terminal was not asked.",))
"""What is assumed where nobody asked."""


def detect(environ: Mapping[str, str], read_fd: int = 0, write_fd: int = 2) -> Terminal:
    """Ask the terminal; call it before Textual reads the keyboard. Textual draws on standard error.

    Never raises: what cannot be asked is assumed, and `reasons` says so.
    """
    if not (os.isatty(read_fd) and os.isatty(write_fd)):
        return Terminal(reasons=("Standard input and standard error are not both a terminal: no pictures are shown.",))
    if environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        return Terminal(tty=True, name="dumb", reasons=("TERM is dumb: nothing is asked.",))
    began = time.monotonic()
    try:
        received = ask(read_fd, write_fd, replies.questions(strings=_understands_strings(environ)))
    except (OSError, termios.error) as error:
        return Terminal(tty=True, reasons=(f"The terminal cannot be asked ({error}).",))
    return conclude(environ, read_replies(received), window_cell(write_fd), time.monotonic() - began)


def ask(read_fd: int, write_fd: int, asked: bytes) -> bytes:
    """Write the questions and return what came until the fence was answered. Raises `OSError`."""
    with _unechoed(read_fd):
        _write_all(write_fd, asked)
        received = b""
        end = time.monotonic() + PATIENCE_S
        while not replies.is_complete(received) and (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([read_fd], [], [], left)
            if readable:
                chunk = os.read(read_fd, 4096)
                if not chunk:
                    break
                received += chunk
        _write_all(write_fd, replies.TIDY)
        return received


def conclude(
    environ: Mapping[str, str], said: Replies, window: tuple[int, int] | None, seconds: float = 0.0
) -> Terminal:
    """Return what the replies, the window's pixels and the environment mean together."""
    multiplexer = _multiplexer(environ, said)
    colors, why_colors = colors_of(environ, said, multiplexer)
    passthrough = multiplexer == "tmux" and tmux.allows_passthrough(environ)
    cell, why_cell = _cell(said, window)
    return Terminal(
        tty=True,
        name=said.name or environ.get("TERM_PROGRAM") or environ.get("TERM", ""),
        kitty=said.kitty == "OK",
        sixel=said.sixel,
        sixel_size=said.sixel_size,
        colors=colors,
        cell=cell,
        background=said.background,
        multiplexer=multiplexer,
        passthrough=passthrough,
        no_color=bool(environ.get("NO_COLOR")),
        remote="SSH_CONNECTION" in environ or "SSH_TTY" in environ,
        reasons=(
            _fence_reason(said, seconds),
            _kitty_reason(said, asked=_understands_strings(environ)),
            _sixel_reason(said),
            why_colors,
            why_cell,
            *_multiplexer_reasons(multiplexer, passthrough=passthrough),
        ),
    )


def window_cell(fd: int) -> tuple[int, int] | None:
    """Return (width, height) of a cell in pixels from the window's size; None where it is not told."""
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return None
    if not (rows and columns):
        return None
    cell = width // columns, height // rows
    return cell if all(cell) else None


@contextmanager
def _unechoed(fd: int) -> Iterator[None]:
    """Let replies arrive at once and unseen; what is unread in the end is thrown away, as it may be half a reply."""
    before = termios.tcgetattr(fd)
    quiet = termios.tcgetattr(fd)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(fd, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _multiplexer(environ: Mapping[str, str], said: Replies) -> str:
    name, term = (said.name or "").lower(), environ.get("TERM", "")
    if "TMUX" in environ or name.startswith("tmux") or term.startswith("tmux"):
        return "tmux"
    if "STY" in environ or name.startswith("screen") or term.startswith("screen"):
        return "screen"
    if "ZELLIJ" in environ:
        return "zellij"
    return ""


def _cell(said: Replies, window: tuple[int, int] | None) -> tuple[tuple[int, int], str]:
    # The terminal's word comes before the window's pixels, which some SSH servers make up.
    if said.cell:
        return said.cell, f"cell: {said.cell[0]}x{said.cell[1]} pixels, says the terminal."
    if window:
        return window, f"cell: {window[0]}x{window[1]} pixels, says the window's size."
    return USUAL_CELL, f"cell: {USUAL_CELL[0]}x{USUAL_CELL[1]} pixels are assumed, as nobody tells."


def _fence_reason(said: Replies, seconds: float) -> str:
    if said.fenced:
        return f"The terminal answered in {seconds * 1000:.0f} ms."
    return f"The terminal answered nothing for {seconds:.1f} s."


def _understands_strings(environ: Mapping[str, str]) -> bool:
    """Say whether questions may be asked that are strings: tmux and screen take Kitty's for the title of a window.

    tmux 3.5 takes the one for a colour for a picture, and prints that there is one.
    """
    return environ.get("TERM_PROGRAM") not in PRINTS_UNKNOWN_STRINGS and not _multiplexer(environ, Replies())


def _kitty_reason(said: Replies, *, asked: bool) -> str:
    if not asked:
        return "kitty: Not asked, as this terminal would print the question or keep it."
    if said.kitty is None:
        return "kitty: No answer to the graphics question."
    if said.kitty == "OK":
        return "kitty: Answered the graphics question."
    return f"kitty: Refused the graphics question ({said.kitty})."


def _sixel_reason(said: Replies) -> str:
    if not said.sixel:
        return "sixel: Not among the device attributes."
    most = f", up to {said.sixel_size[0]}x{said.sixel_size[1]} pixels" if said.sixel_size else ""
    return f"sixel: Among the device attributes{most}."


def _multiplexer_reasons(multiplexer: str, *, passthrough: bool) -> Iterator[str]:
    if multiplexer == "tmux":
        yield f"tmux: Its option allow-passthrough is {'on' if passthrough else 'off'}."
    elif multiplexer:
        yield f"{multiplexer}: It is between us and the terminal."
