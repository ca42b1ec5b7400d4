"""A word to somebody who looks elsewhere: the bell, and a notice of the desktop where the terminal shows one."""

from __future__ import annotations

from typing import Final

from imagineer_tui.terminal import tmux
from imagineer_tui.terminal.detection import Terminal

BELL: Final = "\x07"


def notice(text: str, terminal: Terminal) -> str:
    """Return the sequence that rings, and shows a text (OSC 9, which iTerm2, kitty, Ghostty, WezTerm and foot take).

    tmux drops OSC 9 and hands it on only where `allow-passthrough` is on; the bell it hands on in any case.
    """
    told = f"\x1b]9;{''.join(letter for letter in text if letter.isprintable())}\x1b\\"
    if not terminal.multiplexer:
        return told + BELL
    return (tmux.wrapped(told) if terminal.passthrough else "") + BELL
