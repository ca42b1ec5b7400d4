"""Content hashes of files and folders, remembered as long as size, time and inode stay the same."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

_CHUNK = 1024 * 1024


def file_sha256(path: Path, *, skip: int = 0) -> str:
    """Return the SHA-256 of a file's bytes from `skip` on, in hex. Raises `OSError`."""
    stat = path.stat()
    return _file_sha256(path, skip, (stat.st_size, stat.st_mtime_ns, stat.st_ino))


@functools.lru_cache(maxsize=4096)
def _file_sha256(path: Path, skip: int, _identity: tuple[int, int, int]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(skip)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def files_sha256(root: Path, files: list[Path]) -> str:
    """Return one SHA-256 over the names (relative to `root`) and contents of `files`. Raises `OSError`."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()
