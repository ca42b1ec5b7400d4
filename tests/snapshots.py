"""Screens as pictures: what the app draws is compared with what was kept, as SVG.

`IMAGINEER_KEEP_SNAPSHOTS=1 pytest tests/imagineer_tui/test_snapshots.py` keeps what is drawn now; look at it before
it is committed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from imagineer_tui.app import ImagineerApp

KEPT = Path(__file__).parent / "data" / "snapshots"
_RANDOM = re.compile(r"terminal-\d+")
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def svg_of(app: ImagineerApp) -> str:
    """Return the screen as SVG: without the number that differs from run to run, without fonts of the web."""
    svg = _FONT.sub("", _RANDOM.sub("terminal", app.export_screenshot(title="imagineer")))
    return re.sub(r">\s+<", ">\n<", svg).strip() + "\n"


def assert_is_kept(app: ImagineerApp, name: str) -> None:
    """Fail where the screen is not drawn as it was kept under this name."""
    file = KEPT / f"{name}.svg"
    drawn = svg_of(app)
    if os.environ.get("IMAGINEER_KEEP_SNAPSHOTS"):
        KEPT.mkdir(parents=True, exist_ok=True)
        file.write_text(drawn)
    assert file.exists(), f"There is no {file.name} yet: keep one with IMAGINEER_KEEP_SNAPSHOTS=1."
    assert drawn == file.read_text(), f"{file.name} is drawn differently now; if that is meant, keep it anew."
