"""How many colours a terminal shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from imagineer_tui.terminal.replies import Replies

Colors = Literal["truecolor", "256", "16", "none"]
TRUECOLOR_PROGRAMS: Final = frozenset({"iTerm.app", "WezTerm", "ghostty", "vscode", "kitty", "Hyper", "rio"})
"""Values of TERM_PROGRAM."""
TRUECOLOR_NAMES: Final = ("kitty", "ghostty", "wezterm", "iterm2", "foot", "konsole", "vte(", "contour", "mintty")
"""How names that XTVERSION tells begin, lower case."""


def colors_of(environ: Mapping[str, str], said: Replies, multiplexer: str) -> tuple[Colors, str]:
    """Return how many colours are shown, and how that is known."""
    term = environ.get("TERM", "")
    for why in _signs_of_truecolor(environ, said, multiplexer):
        return "truecolor", f"colours: 24 bit, {why}."
    colors = _colors_of_term(term)
    return colors, f"colours: {colors}, as TERM is {term}."


def _signs_of_truecolor(environ: Mapping[str, str], said: Replies, multiplexer: str) -> Iterator[str]:
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        yield "says COLORTERM"
    if said.truecolor:
        yield "which the terminal repeated when asked"
    if multiplexer == "tmux":
        yield "which tmux translates for the terminal around it"
    if (said.name or "").lower().startswith(TRUECOLOR_NAMES) or environ.get("TERM_PROGRAM") in TRUECOLOR_PROGRAMS:
        yield "as this terminal is known to show them"
    term = environ.get("TERM", "")
    if term.endswith(("-direct", "-kitty", "-ghostty")) or term.startswith("mlterm"):
        yield f"as TERM is {term}"


def _colors_of_term(term: str) -> Colors:
    if "256color" in term or term.startswith(("rxvt-unicode", "alacritty")):
        return "256"
    return "none" if term.startswith("vt") else "16"
