"""Open the terminal UI and leave the terminal as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from imagineer_tui import collector
from imagineer_tui.preferences import load_preferences, preferences_file
from imagineer_tui.terminal.detection import detect

if TYPE_CHECKING:
    from imagineerd.client import Endpoints


def open_app(environ: Mapping[str, str], far: Endpoints | None = None) -> int:
    """Run the app until it is left; return the exit code. `far` is a daemon of another machine."""
    collector.hold()
    with ThreadPoolExecutor(1) as thread:
        # A terminal far away answers while Textual is imported.
        asked = thread.submit(detect, environ)
        from imagineer_tui.app import ImagineerApp

        preferences = load_preferences(preferences_file(environ))
        terminal = asked.result()
    os.environ.update(terminal.environ)
    app = ImagineerApp(environ, preferences, terminal, start=far is None, far=far)
    app.run(mouse=preferences.mouse)
    return app.return_code or 0
