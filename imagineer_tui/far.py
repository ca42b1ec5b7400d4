"""`imagineer --host HOST`, `imagineer --connect ADDRESS`: the terminal UI with the daemon of another machine."""

from __future__ import annotations

import os

from imagineer_tui.run import Run


def open_far(run: Run) -> int:
    """Get to the daemon before the screen is taken over, since ssh may ask for a password; then open the app."""
    run.client().hello()
    from imagineer_tui.opening import open_app  # what only the terminal UI loads

    return open_app(os.environ, run.far)
