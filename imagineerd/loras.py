"""Find LoRA files by name and check their headers, without torch."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import msgspec

from imagineerd.errors import LoraError, did_you_mean
from imagineerd.fingerprint import file_sha256

MAX_HEADER = 64 * 1024 * 1024
"""Bytes; the safetensors library itself stops at 100 MB."""


class LoraFile(msgspec.Struct, frozen=True):
    """A LoRA in the library folder. `name` is its file name without suffix, `sha256` that of the whole file."""

    name: str
    path: Path
    sha256: str


def find_lora(folder: Path | None, name: str) -> LoraFile:
    """Find `name` in the library folder or its subfolders, whatever its case.

    Raises `LoraError` where there is none, where the name leads out of the folder, or where the file is no LoRA.
    """
    files = lora_paths(folder)
    path = files.get(name.lower())
    if path is None:
        known = did_you_mean(name, [path.stem for path in files.values()])
        where = f"in {folder}" if folder else "because no LoRA folder is set"
        raise LoraError(f'There is no LoRA "{name}" {where}.{known}', field="mix")
    read_header(path)
    return LoraFile(path.stem, path, file_sha256(path))


def lora_paths(folder: Path | None) -> dict[str, Path]:
    """Map the lower-case stem of every `.safetensors` file in the folder to its path; the first in path order wins.

    A link that leads out of the folder is passed over.
    """
    if folder is None or not folder.is_dir():
        return {}
    root = folder.resolve()
    inside = [
        path
        for path in sorted(folder.rglob("*.safetensors"), reverse=True)
        if path.is_file() and path.resolve().is_relative_to(root)
    ]
    return {path.stem.lower(): path for path in inside}


def read_header(path: Path) -> dict[str, Any]:
    """Read a safetensors header: 8 bytes of little-endian length, then JSON, then exactly the announced bytes.

    Raises `LoraError` where the file is none (cut short, a pickle, anything else). Source: the format's README,
    https://github.com/huggingface/safetensors#format.
    """
    try:
        header, data_bytes = _header_and_data(path)
    except OSError as error:
        raise LoraError(f'The LoRA "{path.stem}" cannot be read: {error.strerror}.') from error
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise LoraError(f'The LoRA "{path.stem}" is not a safetensors file or is damaged: fetch it again.') from error
    if _end_of_data(header) != data_bytes:
        raise LoraError(f'The LoRA "{path.stem}" is cut short or damaged: fetch it again.')
    return header


def header_bytes(path: Path) -> int:
    """Return where the tensors of a safetensors file begin."""
    with path.open("rb") as file:
        return 8 + int(struct.unpack("<Q", file.read(8))[0])


def _header_and_data(path: Path) -> tuple[dict[str, Any], int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(MAX_HEADER, size - 8):
            raise ValueError("The header is longer than the file.")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise TypeError("The header is no map.")
    return header, size - 8 - length


def _end_of_data(header: dict[str, Any]) -> int:
    """Return the last byte that any tensor uses, -1 where the header does not say."""
    try:
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except (KeyError, TypeError, IndexError, ValueError):
        return -1
    return max(ends, default=0)
