"""The app's own colours: one accent for what is live, one for what needs you, everything else quiet."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final

from textual.theme import Theme

DEFAULT: Final = "imagineer"
OURS: Final = (
    Theme(
        name=DEFAULT,
        primary="#8fa8c8",
        secondary="#b39ddb",
        accent="#5fd7c4",
        warning="#f0b45a",
        error="#e5707e",
        success="#8fce8b",
        foreground="#d8dbe2",
        background="#111318",
        surface="#181b22",
        panel="#242833",
        variables={
            "footer-background": "#181b22",
            "input-selection-background": "#5fd7c4 30%",
            "border": "#5fd7c4",
            "scrollbar": "#3a4150",
            "scrollbar-background": "#181b22",
            "scrollbar-corner-color": "#181b22",
            "border-blurred": "#333a48",
        },
    ),
    Theme(
        name="imagineer-light",
        primary="#3d5a80",
        secondary="#6a4c93",
        accent="#00796b",
        warning="#b25e00",
        error="#b3261e",
        success="#2e7d32",
        foreground="#22252b",
        background="#fbfaf7",
        surface="#f1efea",
        panel="#e4e1da",
        dark=False,
        variables={
            "border": "#00796b",
            "border-blurred": "#c9c5bb",
            "scrollbar": "#c9c5bb",
            "scrollbar-background": "#f1efea",
        },
    ),
)


def first_of(names: Iterable[str], known: Container[str]) -> str:
    """Return the first theme that there is, else the default one."""
    return next((name for name in names if name in known), DEFAULT)
