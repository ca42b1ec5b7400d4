"""Python's garbage collector, kept from holding the event loop up.

A full collection looks at every object there is: a tenth of a second and more with all that Textual has loaded. What is
alive when a screen stands stays until the end, so it is set aside (`gc.freeze`), and full collections, which would look
at the pages of pictures that came after it, are left to `lull.py`. Only a process that runs the terminal UI alone
does so: what is set aside is never freed.
"""

from __future__ import annotations

import gc
from typing import Final

NEVER: Final = 2**31 - 1
MANY: Final = 10
"""Smaller collections since the last full one after which Python would have made one."""


def hold() -> None:
    """Collect nothing until the first screen stands."""
    gc.disable()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], NEVER)


def is_held() -> bool:
    """Say whether this process asked for it."""
    return gc.get_threshold()[2] == NEVER


def set_aside() -> None:
    """Leave all that is alive now out of collections, and have no full one; nothing happens where none is held."""
    if is_held():
        gc.freeze()
        gc.enable()


def tidy() -> None:
    """Make a full collection if one is due."""
    if gc.get_count()[2] >= MANY:
        gc.collect()
