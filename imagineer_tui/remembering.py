"""What the app remembers from one run to the next, in one small file of the user's state folder.

    {"screen": "sets", "theme": "imagineer", "screens": {"sets": {"set": "zodiac", "filter": ""}}}

What cannot be read counts as forgotten; what cannot be written is not remembered: neither is worth a word.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Memory: TypeAlias = dict[str, Any]
"""What one screen remembers: plain JSON values."""


@dataclass
class Remembered:
    """The screen that was open, the theme, and what each screen remembers by its name."""

    screen: str = ""
    theme: str = ""
    screens: dict[str, Memory] = field(default_factory=dict)


def state_file(environ: Mapping[str, str]) -> Path:
    """Return where the memory is kept (XDG Base Directory 0.8)."""
    base = Path(environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        base = Path(environ.get("HOME") or Path.home()) / ".local" / "state"
    return base / "imagineer" / "tui.json"


def recall(file: Path) -> Remembered:
    """Return what the file says; nothing where there is none that makes sense."""
    with suppress(OSError, ValueError, AttributeError, RecursionError):
        found = json.loads(file.read_text())
        screens = {name: memory for name, memory in found.get("screens", {}).items() if isinstance(memory, dict)}
        return Remembered(str(found.get("screen", "")), str(found.get("theme", "")), screens)
    return Remembered()


def remember(file: Path, remembered: Remembered) -> None:
    """Write the file in one move."""
    fresh = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.write_text(json.dumps(asdict(remembered)))
        fresh.replace(file)
