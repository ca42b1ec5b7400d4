"""Open the terminal UI and leave the terminal as it was."""

from __future__ import annotations

from collections.abc import Mapping

from imagineer_tui.app import ImagineerApp
from imagineer_tui.preferences import load_preferences, preferences_file


def open_app(environ: Mapping[str, str]) -> int:
    """Run the app until it is left; return the exit code."""
    preferences = load_preferences(preferences_file(environ))
    app = ImagineerApp(environ, preferences, start=True)
    app.run(mouse=preferences.mouse)
    return app.return_code or 0
