"""How pictures are shown: what was asked for, what the terminal can do, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from imagineer_tui.terminal.detection import Terminal

Images = Literal["auto", "kitty", "sixel", "half", "ascii", "off"]
Shown = Literal["kitty", "sixel", "half", "ascii", "off"]
SHOWN: Final[tuple[Shown, ...]] = get_args(Shown)
WAYS: Final[dict[Shown, str]] = {
    "kitty": "by Kitty's protocol",
    "sixel": "as Sixels",
    "half": "in half blocks",
    "ascii": "in letters",
    "off": "not at all",
}
"""What comes after `shown`."""
PLACEHOLDERS: Final = {"kitty": (0, 28), "ghostty": (0, 0)}
"""Terminals that show Kitty pictures in text cells, by how their names begin, and the first version that does.

Others answer the question alone."""


@dataclass(frozen=True)
class Choice:
    """How the large picture is shown, how the grids are, and why."""

    large: Shown
    small: Shown
    why: str


def choose(wanted: Images, terminal: Terminal) -> Choice:
    """Return how pictures are shown. What the user asks for by name is done, whatever the terminal told."""
    if not terminal.tty:
        return Choice("off", "off", "This is not a terminal.")
    if wanted != "auto":
        small = wanted if wanted in {"ascii", "off"} else _cells(terminal)
        return Choice(wanted, small, f"images is {wanted}.")
    return _best(terminal)


def following(shown: Shown, terminal: Terminal) -> Shown:
    """Return the next way, for a key that goes through all that this terminal may understand."""
    after = SHOWN.index(shown) + 1
    return next(way for way in (*SHOWN[after:], *SHOWN) if _may_show(way, terminal))


def _may_show(way: Shown, terminal: Terminal) -> bool:
    if way == "kitty":
        return (_has_placeholders(terminal.name) if terminal.kitty else terminal.passthrough) and not terminal.no_color
    return (terminal.sixel and not terminal.multiplexer) if way == "sixel" else True


def _best(terminal: Terminal) -> Choice:
    cells = _cells(terminal)
    if terminal.multiplexer:
        return Choice(cells, cells, f"{terminal.multiplexer} does not keep real pictures in their place.")
    if terminal.no_color:
        return Choice(cells, cells, "NO_COLOR is set, and real pictures have colours.")
    if terminal.kitty and _has_placeholders(terminal.name):
        return Choice("kitty", cells, f"{terminal.name} answered that it shows Kitty pictures.")
    if terminal.sixel:
        return Choice("sixel", cells, f"{terminal.name} answered that it shows Sixel pictures.")
    return Choice(cells, cells, _without_pixels(terminal, cells))


def _has_placeholders(name: str) -> bool:
    version = tuple(map(int, re.findall(r"\d+", name)[:2]))
    return any(name.lower().startswith(known) and version >= first for known, first in PLACEHOLDERS.items())


def _cells(terminal: Terminal) -> Shown:
    return "half" if terminal.colors in {"truecolor", "256"} else "ascii"


def _without_pixels(terminal: Terminal, cells: Shown) -> str:
    if cells == "ascii":
        return f"{terminal.name} shows too few colours for pictures in half blocks."
    if terminal.kitty:
        return f"{terminal.name} shows Kitty pictures, but is not known to keep them in text cells."
    return f"{terminal.name} did not answer that it shows Kitty or Sixel pictures."
