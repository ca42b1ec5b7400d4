"""The clipboard of whoever sits at the terminal, however many machines away.

Nobody tells whether a text arrived: it was sent, not copied. OSC 52 reaches the terminal itself;
a tmux around us drops it unless told otherwise, and takes `load-buffer -w` instead (tmux 3.2).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from imagineer_tui.terminal import tmux


def send(text: str, environ: Mapping[str, str], write: Callable[[str], object]) -> None:
    """Send a text on the way that is open.

    `write` writes to the terminal. Calls tmux, so it belongs into a thread.
    """
    if tmux.run(environ, "load-buffer", "-w", "-", given=text) is None:
        sequence = osc52(text)
        write(tmux.wrapped(sequence) if tmux.allows_passthrough(environ) else sequence)


def osc52(text: str) -> str:
    """Return the sequence that puts a text into the terminal's clipboard (xterm's ctlseqs, OSC 52)."""
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
