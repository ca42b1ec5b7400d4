"""Whether a disk takes what is drawn."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

ROOM: Final = 16 * 1024 * 1024
"""Bytes that must find room: some pictures, with the pages of the database that tell of them."""


def takes_files(folder: Path) -> bool:
    """Say whether some pictures could be written in a folder; it is made where it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError:
        return False
    return True
