"""Write the label of a take into the JSON file beside its picture. The database is what counts; this is a copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec

from imagineerd.protocol import Label
from imagineerd.replacing import replace_file

KEY: Final = "label"


def note_label(sidecar: Path, label: Label | None) -> None:
    """Put a label into a sidecar, or take it out of it. Raises `OSError`, and `ValueError` where it is no JSON map."""
    about = json.loads(sidecar.read_bytes())
    if not isinstance(about, dict):
        raise ValueError(f"{sidecar} is no JSON map.")  # noqa: TRY004 - of the file, not of an argument
    about.pop(KEY, None)
    if label is not None:
        about[KEY] = msgspec.to_builtins(label)
    replace_file(sidecar, (json.dumps(about, indent=2) + "\n").encode())
