"""What workers measured, kept on disk: the first to measure a thing does it for all of one kind of device.

A file's name says all that its content depends on, so it is true for as long as it stands; it may be deleted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def for_compilers(folder: Path) -> dict[str, str]:
    """Return the environment variables that let compilers keep what they make in a folder of the daemon's.

    It is code that will be run, so nobody else may write there. They must stand before torch is imported: where it
    finds none it takes a folder of everybody's /tmp, and sets the first one to that itself.
    """
    return {"TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"), "TRITON_CACHE_DIR": str(folder / "triton")}


def kept(path: Path | None, kind: type[T]) -> T | None:
    """Return what stands there, None where that is nothing or cannot be read."""
    if path is None:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def keep(path: Path | None, kind: type[T], value: T) -> T:
    """Have the value stand there, unless another one was first; return what holds for all from now on.

    A disk that takes nothing costs the next start another measurement.
    """
    if path is None:
        return value
    with contextlib.suppress(OSError):
        _publish(path, kind, value)
    return kept(path, kind) or value


def _publish(path: Path, kind: type[T], value: T) -> None:
    """Write the file whole, unless another one was first; one that cannot be read is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    part.write_bytes(msgspec.json.encode(value))
    try:
        os.link(part, path)
    except FileExistsError:
        if kept(path, kind) is None:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
