"""LoRAs are found by name, inside their folder only, and checked before anybody loads them."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import pytest

from imagineerd.errors import LoraError
from imagineerd.loras import find_lora, read_header


def lora_bytes(fill: bytes = b"\0") -> bytes:
    header = {"a.lora_down.weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + fill * 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "loras" / "cards").mkdir(parents=True)
    (tmp_path / "loras" / "Ink.safetensors").write_bytes(lora_bytes())
    (tmp_path / "loras" / "cards" / "gold leaf.v2.safetensors").write_bytes(lora_bytes(b"\1"))
    (tmp_path / "loras" / "old.ckpt").write_bytes(b"")
    (tmp_path / "secret.safetensors").write_bytes(lora_bytes())
    return tmp_path / "loras"


@pytest.mark.parametrize("name", ["Ink", "ink", "INK"])
def test_a_lora_is_found_whatever_its_case(folder: Path, name: str) -> None:
    lora = find_lora(folder, name)

    assert lora.name == "Ink"
    assert lora.sha256 == hashlib.sha256(lora_bytes()).hexdigest()


def test_subfolders_are_looked_into(folder: Path) -> None:
    assert find_lora(folder, "gold leaf.v2").path == folder / "cards" / "gold leaf.v2.safetensors"


def test_a_hash_follows_the_file(folder: Path) -> None:
    before = find_lora(folder, "Ink").sha256
    (folder / "new.tmp").write_bytes(lora_bytes(b"\2"))
    (folder / "new.tmp").replace(folder / "Ink.safetensors")

    assert find_lora(folder, "Ink").sha256 != before


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "cards/../../secret", "..", "", "*", "cards/gold leaf.v2", "secret"]
)
def test_a_name_never_leads_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(LoraError, match="There is no LoRA"):
        find_lora(folder, name)


def test_a_link_out_of_the_folder_is_passed_over(folder: Path) -> None:
    (folder / "way out.safetensors").symlink_to(folder.parent / "secret.safetensors")

    with pytest.raises(LoraError, match="There is no LoRA"):
        find_lora(folder, "way out")


def test_a_misspelt_name_gets_a_hint(folder: Path) -> None:
    with pytest.raises(LoraError, match='Did you mean "Ink"'):
        find_lora(folder, "ikn")


def test_no_library_is_a_sentence(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", None):
        with pytest.raises(LoraError, match='There is no LoRA "ink"'):
            find_lora(folder, "ink")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02}q\x00.",
        b"PK\x03\x04" + b"\0" * 100,
        lora_bytes()[:-1],
        lora_bytes()[:20],
        lora_bytes() + b"more",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b'"{}"',
        struct.pack("<Q", 6) + b'{"a":1' + b"}",
        struct.pack("<Q", 7) + b'{"a":1}',
    ],
)
def test_what_is_no_whole_safetensors_file_is_refused(folder: Path, content: bytes) -> None:
    (folder / "bad.safetensors").write_bytes(content)

    with pytest.raises(LoraError, match='"bad" is'):
        find_lora(folder, "bad")


def test_the_header_is_returned(folder: Path) -> None:
    assert list(read_header(folder / "Ink.safetensors")) == ["a.lora_down.weight"]
