"""Put a finished picture on disk: whole or not at all, and never over another one.

A take is three files of one stem: `STEM.json` (the sidecar), `.thumbs/STEM.jpg` and `STEM.png`. Each is written under
a temporary name in its folder, synced, and linked to its name, which fails if the name is taken. The sidecar comes
first and so claims the stem, the PNG comes last: where a PNG is, the take is complete.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import itertools
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageStat, PngImagePlugin

from imagineerd.errors import DiskError
from imagineerd.replacing import sync_folder
from imagineerd.worker.sidecar import as_json, infotext_of

THUMB_SIDE = 256
"""Pixels of a thumbnail's longer side, at most."""
THUMBS = ".thumbs"
PNG_LEVEL = 3
"""zlib: level 6 takes a quarter more time for 6 % fewer bytes (measured at 512x720)."""
PART = ".part"
"""Suffix of temporary files; what a killed worker leaves behind has it."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@dataclass(frozen=True)
class Written:
    """A take on disk: its PNG's path, size in bytes, SHA-256, and the picture's average colour (`#rrggbb`)."""

    path: Path
    bytes: int
    sha256: str
    color: str


def write_take(stem: Path, picture: torch.Tensor, about: dict[str, Any]) -> Written:
    """Write the three files of a take and return when they are durable.

    `picture` is uint8 [height, width, 3]; `about` the sidecar's content. Where `stem` is taken, `stem_2`, `stem_3`, …
    is used. Raises `DiskError`, with none of the three files left.
    """
    image = Image.fromarray(picture.numpy())
    png = encode_png(image, about)
    sidecar = (as_json(about, indent=2) + "\n").encode()
    made: list[Path] = []
    try:
        path = _write_files(stem, png, sidecar, encode_thumb(image), made)
    except OSError as error:
        for left in made:
            with contextlib.suppress(OSError):
                left.unlink()
        raise DiskError(f"The picture cannot be written to {stem.parent}: {_reason(error)}.") from error
    return Written(path, len(png), hashlib.sha256(png).hexdigest(), average_color(image))


def encode_png(image: Image.Image, about: dict[str, Any]) -> bytes:
    """Return the PNG with two text chunks: `parameters` (the web UI's form) and `imagineer` (the sidecar)."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", infotext_of(about))
    chunks.add_text("imagineer", as_json(about))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=chunks, compress_level=PNG_LEVEL)
    return buffer.getvalue()


def encode_thumb(image: Image.Image) -> bytes:
    """Return a JPEG of at most THUMB_SIDE pixels a side; smaller pictures keep their size."""
    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def average_color(image: Image.Image) -> str:
    """Return the mean of all pixels as `#rrggbb`."""
    return "#" + "".join(f"{round(level):02x}" for level in ImageStat.Stat(image).mean)


def _write_files(stem: Path, png: bytes, sidecar: bytes, thumb: bytes, made: list[Path]) -> Path:
    """Write sidecar, thumbnail, PNG; `made` grows by each file as it appears."""
    folder = stem.parent
    thumbs = folder / THUMBS
    _make_folder(folder)
    _make_folder(thumbs)
    name = _claim(folder, stem.name, sidecar, made)
    _replace(thumbs / f"{name}.jpg", thumb)
    made.append(thumbs / f"{name}.jpg")
    sync_folder(thumbs)
    path = folder / f"{name}.png"
    _create(path, png)
    made.append(path)
    sync_folder(folder)
    return path


def _claim(folder: Path, stem: str, sidecar: bytes, made: list[Path]) -> str:
    """Write the sidecar under the first free name of `stem`, `stem_2`, … and return that name."""
    names = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
    for name in names:
        if (folder / f"{name}.png").exists():
            continue
        with contextlib.suppress(FileExistsError):
            _create(folder / f"{name}.json", sidecar)
            made.append(folder / f"{name}.json")
            return name
    raise AssertionError("The count never ends.")


def _create(path: Path, content: bytes) -> None:
    """Make a file appear with all its content. Raises `FileExistsError` where the name is taken."""
    part = _write_part(path, content)
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links (exFAT): only this worker writes here, so looking first will do.
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Make a file appear with all its content in place of an older one."""
    part = _write_part(path, content)
    try:
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_part(path: Path, content: bytes) -> Path:
    """Write and sync a temporary file beside `path`; none is left where that fails."""
    part = path.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    if error.errno == errno.EROFS:
        return "the disk is read-only"
    return (error.strerror or str(error)).lower()
