"""Read the header of a safetensors file: names and shapes of its tensors and its metadata, and no tensor.

The format is 8 bytes of little-endian length, then a JSON map, then exactly the bytes that the map's offsets announce.
Source: the format's README, https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec

from imagineerd.errors import LoraError

MAX_HEADER = 16 * 1024 * 1024
"""Bytes; the safetensors library takes 100 MB, the largest LoRAs with all their tag counts have a few hundred kB."""
PICKLE_MARKS = (b"PK\x03\x04", b"\x80")
"""How a PyTorch checkpoint begins: a zip file, or a bare pickle."""
KNOWN_TEXTS = 32
"""Headers without metadata that are remembered, some 100 kB each: files trained alike differ in metadata alone."""
_LENGTH = 8
_FIRST = b'{"__metadata__":'
"""How the safetensors library begins every header that has metadata."""

Offset = Annotated[int, msgspec.Meta(ge=0)]
Shape = tuple[Offset, ...]


class Tensor(msgspec.Struct, frozen=True, gc=False):
    """One tensor as the header announces it; the offsets count in bytes from the end of the header."""

    shape: Shape
    data_offsets: tuple[Offset, Offset]


class Header(msgspec.Struct, frozen=True):
    """A whole header. `data_start` is the byte at which the tensors begin; all metadata are text."""

    tensors: Mapping[str, Tensor]
    metadata: dict[str, str]
    data_start: int


class _Metadata(msgspec.Struct, frozen=True):
    """The metadata of a header, as they are written; whatever else stands there is skipped."""

    text: msgspec.Raw = msgspec.field(name="__metadata__", default=msgspec.Raw(b"null"))


_find_metadata = msgspec.json.Decoder(_Metadata).decode
_decode_map = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_tensors = lru_cache(maxsize=KNOWN_TEXTS)(msgspec.json.Decoder(dict[str, Tensor]).decode)
_decode_metadata = msgspec.json.Decoder(dict[str, str] | None).decode


def read_header(path: Path) -> Header:
    """Read and check a header. Raises `LoraError` with one sentence for a file that is none, or not whole."""
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise LoraError(f'The LoRA "{path.stem}" cannot be read: {error.strerror}.') from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(path) from error


def _read(path: Path, file: BinaryIO) -> Header:
    start = file.read(_LENGTH)
    size = file.seek(0, 2)
    length = int.from_bytes(start, "little")
    if start.startswith(PICKLE_MARKS) and length > size - _LENGTH:
        raise LoraError(
            f'The LoRA "{path.stem}" is a PyTorch pickle with the name of a safetensors file, and such files can run '
            "programs: fetch it as safetensors."
        )
    if len(start) < _LENGTH or length > size - _LENGTH:
        raise _damaged(path)
    if length > MAX_HEADER:
        raise LoraError(
            f'The LoRA "{path.stem}" has a header of {length:,} bytes, and none needs over {MAX_HEADER:,}: '
            "remove the file or fetch it again."
        )
    file.seek(_LENGTH)
    return _checked(path, parse_header(file.read(length)), size)


def parse_header(text: bytes) -> Header:
    """Read the JSON of a header. Raises `msgspec.DecodeError`, and `RecursionError` for what is nested too deep."""
    metadata = bytes(_find_metadata(text).text)
    return Header(
        tensors=_decode_tensors(_without(metadata, text)),
        metadata=_decode_metadata(metadata) or {},
        data_start=_LENGTH + len(text),
    )


def _without(metadata: bytes, text: bytes) -> bytes:
    """Return a header's JSON map with its tensors alone."""
    if text.startswith(_FIRST + metadata):
        return b"{" + text[len(_FIRST) + len(metadata) :].lstrip(b" \t\r\n,")
    entries = _decode_map(text)
    entries.pop("__metadata__", None)
    return msgspec.json.encode(entries)


def _checked(path: Path, header: Header, size: int) -> Header:
    end = max([tensor.data_offsets[1] for tensor in header.tensors.values()], default=0)
    if header.data_start + end != size:
        raise LoraError(f'The LoRA "{path.stem}" is cut short or damaged: fetch it again.')
    return header


def _damaged(path: Path) -> LoraError:
    return LoraError(f'The LoRA "{path.stem}" is not a safetensors file or is damaged: fetch it again.')
