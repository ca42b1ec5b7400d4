"""Headers are read whole or refused in one sentence; no tensor is ever read."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lora_files import cross_attention, header_text, write_lora

from imagineerd.errors import LoraError
from imagineerd.lora.header import MAX_HEADER, parse_header, read_header

WHOLE = struct.pack("<Q", 100) + header_text({"a.lora_down.weight": (4, 2)}).ljust(100) + bytes(16)
names = st.text(min_size=1, max_size=30).filter(lambda name: name != "__metadata__")
shapes = st.dictionaries(names, st.lists(st.integers(0, 9), max_size=4).map(tuple), max_size=8)


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(LoraError) as caught:
        read_header(path)
    assert "\n" not in caught.value.message
    return caught.value.message


@given(shapes=shapes, metadata=st.none() | st.dictionaries(st.text(), st.text(), max_size=5))
def test_what_was_written_is_read(shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None) -> None:
    text = header_text(shapes, metadata)
    header = parse_header(text)

    assert {name: tensor.shape for name, tensor in header.tensors.items()} == shapes
    assert header.metadata == (metadata or {})
    assert header.data_start == 8 + len(text)


@given(shapes=shapes, metadata=st.dictionaries(st.text(), st.text(), max_size=5), indent=st.sampled_from([None, 1]))
def test_metadata_may_stand_anywhere(
    shapes: dict[str, tuple[int, ...]], metadata: dict[str, str], indent: int | None
) -> None:
    entries = json.loads(header_text(shapes))
    text = json.dumps(entries | {"__metadata__": metadata}, indent=indent).encode()

    assert parse_header(text).metadata == metadata
    assert parse_header(text).tensors == parse_header(header_text(shapes, metadata)).tensors


@given(st.binary(max_size=200))
def test_rubbish_is_refused_by_two_errors_and_no_other(text: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        parse_header(text)


def test_a_file_is_read_without_its_tensors(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "big.safetensors", {"a.lora_down.weight": (2**20, 2**10)})

    assert read_header(path).tensors["a.lora_down.weight"].shape == (2**20, 2**10)


def test_metadata_may_have_the_names_of_a_tensors_fields(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "odd.safetensors", cross_attention(768), {"shape": "round", "data_offsets": "none"})

    assert read_header(path).metadata == {"shape": "round", "data_offsets": "none"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        WHOLE[:5],
        WHOLE[:30],
        b"<html>404 Not Found</html>",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b'"{}"',
        struct.pack("<Q", 6) + b'{"a":1' + b"}",
        struct.pack("<Q", 7) + b'{"a":1}',
        struct.pack("<Q", 4) + b'{"\xff',
        struct.pack("<Q", 20) + b'{"__metadata__":[1]}',
        struct.pack("<Q", 400_005) + b'{"a":' + b"[" * 200_000 + b"]" * 200_000,
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "is not a safetensors file or is damaged" in refused(tmp_path / "bad.safetensors", content)


@pytest.mark.parametrize("content", [WHOLE[:-1], WHOLE + b"more"])
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path / "cut.safetensors", content) == 'The LoRA "cut" is cut short or damaged: fetch it again.'


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(100), b"\x80\x02}q\x00." * 20])
def test_a_pickle_in_disguise_is_called_one(tmp_path: Path, content: bytes) -> None:
    assert '"evil" is a PyTorch pickle' in refused(tmp_path / "evil.safetensors", content)


def test_a_header_whose_length_begins_like_a_pickle_is_read(tmp_path: Path) -> None:
    text = json.dumps({"__metadata__": {"pad": ""}}).encode().ljust(0x4B50)
    (tmp_path / "fine.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)

    assert read_header(tmp_path / "fine.safetensors").metadata == {"pad": ""}


def test_a_header_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER + 1))
        file.truncate(MAX_HEADER + 9)

    with pytest.raises(LoraError, match=r'"bomb" has a header of 16,777,217 bytes, and none needs over 16,777,216'):
        read_header(path)


def test_offsets_and_shapes_below_zero_are_refused(tmp_path: Path) -> None:
    for entry in ({"shape": [-1], "data_offsets": [0, 0]}, {"shape": [1], "data_offsets": [0, -8]}):
        text = json.dumps({"a": {"dtype": "F32", **entry}}).encode()
        refused(tmp_path / "bad.safetensors", struct.pack("<Q", len(text)) + text)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LoraError, match='"gone" cannot be read: No such file'):
        read_header(tmp_path / "gone.safetensors")
