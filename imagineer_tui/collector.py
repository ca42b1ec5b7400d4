"""Python's garbage collector, kept from holding the event loop up.

A full collection looks at every object there is: a tenth of a second and more with all that Textual has loaded. What is
alive when a screen stands stays until the end, so it is set aside (`gc.freeze`), and later collections look at
what came after it. Only a process that runs the terminal UI alone does so: what is set aside is never freed.
"""

from __future__ import annotations

import gc


def hold() -> None:
    """Collect nothing until the first screen stands."""
    gc.disable()
    gc.freeze()


def set_aside() -> None:
    """Leave all that is alive now out of collections; nothing happens in a process that did not `hold`."""
    if gc.get_freeze_count():
        gc.freeze()
        gc.enable()
