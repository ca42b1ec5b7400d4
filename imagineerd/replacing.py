"""Replace a file in one move, so that a crash at any moment leaves the old one or the new one."""

from __future__ import annotations

import glob
import os
import stat
import tempfile
from pathlib import Path


def replace_file(target: Path, data: bytes, mode: int = 0o600) -> None:
    """Write beside the file, flush that to the disk and rename it.

    A file that is there keeps its mode, a new one has `mode`. Raises `OSError`.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode) if target.exists() else mode)
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def delete_leftovers(target: Path) -> None:
    """Delete what a process that was killed while it replaced the file left beside it. Raises `OSError`."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*"):
        left.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
