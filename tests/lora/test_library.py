"""LoRAs are found by name, inside their folder only, listed by their headers and refused before anybody loads them."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
from pathlib import Path

import pytest
from lora_files import cross_attention, header_text, pair, whole_sd1, write_lora

from imagineerd.errors import LoraError
from imagineerd.lora import library as loras
from imagineerd.lora.base import Base
from imagineerd.lora.library import check_lora, find_lora, list_loras, lora_detail, note_lora, read_library
from imagineerd.models import SD15
from imagineerd.protocol import LoraInfo, NoteLora


def lora_bytes(fill: bytes = b"\0") -> bytes:
    text = header_text({"a.lora_down.weight": (2, 4)})
    return struct.pack("<Q", len(text)) + text + fill * 16


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of LoRAs that ship with imagineer, with none in it."""
    (tmp_path / "shipped").mkdir()
    monkeypatch.setattr(loras, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


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


def test_shipped_loras_are_there_too_but_never_in_the_place_of_ones_own(folder: Path, shipped: Path) -> None:
    write_lora(shipped / "Ink.safetensors", cross_attention(128))
    write_lora(shipped / "Neon.safetensors", cross_attention(128))

    assert list(read_library(folder).loras) == ["ink", "neon", "gold leaf.v2"]
    assert find_lora(folder, "Ink").path == folder / "Ink.safetensors"
    assert read_library(folder).problems == ()
    assert list(read_library(None).loras) == ["ink", "neon"]


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


# ---------------------------------------------------------------- the library


def listed(folder: Path) -> dict[str, LoraInfo]:
    return {info.name: info for info in list_loras(folder).loras}


def test_the_library_is_listed_by_path_with_what_headers_say(tmp_path: Path) -> None:
    metadata = {"ss_tag_frequency": json.dumps({"x": {"ink": 9, "paper": 5, "a": 1, "b": 1}})}
    write_lora(tmp_path / "Ink.safetensors", whole_sd1(), metadata)
    write_lora(tmp_path / "big" / "XL.safetensors", cross_attention(2048, "peft", rank=8))

    assert list(listed(tmp_path)) == ["Ink", "XL"]
    ink, big = listed(tmp_path).values()
    assert (ink.base, ink.ranks, ink.parts) == ("sd1", (16,), ("unet", "text_encoder"))
    assert (ink.trigger, ink.trigger_from, ink.usable, ink.problems) == ("ink, paper, a", "tags", True, ())
    assert ink.bytes == (tmp_path / "Ink.safetensors").stat().st_size
    assert (big.base, big.ranks, big.parts) == ("sdxl", (8,), ("unet",))


def test_files_come_change_and_go_between_two_looks(tmp_path: Path) -> None:
    path = tmp_path / "Ink.safetensors"
    assert listed(tmp_path) == {}
    write_lora(path, cross_attention(768))
    assert listed(tmp_path)["Ink"].base == "sd1"
    write_lora(tmp_path / "new.tmp", cross_attention(2048, rank=8)).replace(path)
    assert listed(tmp_path)["Ink"].base == "sdxl"
    path.unlink()
    assert listed(tmp_path) == {}


def test_a_header_is_read_once_and_nothing_is_hashed_for_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lora(tmp_path / "Ink.safetensors", cross_attention(768))
    first = list_loras(tmp_path)
    for name in ("read_header", "file_sha256"):
        monkeypatch.setattr(loras, name, None)

    assert list_loras(tmp_path) == first


def test_of_two_files_with_a_name_the_first_by_path_counts_and_the_other_is_told(tmp_path: Path) -> None:
    for file in ("b/ink.safetensors", "a/Ink.safetensors"):
        write_lora(tmp_path / file, cross_attention(768))

    library = read_library(tmp_path)

    assert [lora.file for lora in library.loras.values()] == ["a/Ink.safetensors"]
    assert [str(problem) for problem in library.problems] == [
        "b/ink.safetensors: It is passed over, for a/Ink.safetensors has the same name: rename one of them."
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
@pytest.mark.parametrize("name", [b"\xff", b"two\nlines", b"\x1b[31mred"])
def test_a_name_that_cannot_be_sent_or_shown_is_told(tmp_path: Path, name: bytes) -> None:
    write_lora(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name + b".safetensors")), cross_attention(768))

    library = read_library(tmp_path)

    assert library.loras == {}
    assert "its name cannot be shown" in str(library.problems[0])
    assert str(library.problems[0]).isprintable()


def test_a_name_in_any_script_is_a_name(tmp_path: Path) -> None:
    write_lora(tmp_path / "水墨\u3000画 👩\u200d🎨.safetensors", cross_attention(768))

    assert list(listed(tmp_path)) == ["水墨\u3000画 👩\u200d🎨"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_usable_as_soon_as_it_may(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "Ink.safetensors", cross_attention(768))
    path.chmod(0)
    assert "cannot be read" in str(listed(tmp_path)["Ink"].problems[0])
    path.chmod(0o644)
    assert listed(tmp_path)["Ink"].usable


def test_a_file_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "Ink.safetensors", cross_attention(768))
    lora = find_lora(tmp_path, "ink")
    path.rename(tmp_path / "aside")
    assert "cannot be read" in loras.facts(lora).problem
    (tmp_path / "aside").rename(path)

    assert loras.facts(lora).problem == ""


def test_a_broken_file_spoils_no_list(tmp_path: Path) -> None:
    write_lora(tmp_path / "Ink.safetensors", cross_attention(768))
    (tmp_path / "bad.safetensors").write_bytes(b"PK\x03\x04" + bytes(99))
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "gone.safetensors").symlink_to("nowhere")

    found = listed(tmp_path)

    assert {name: info.usable for name, info in found.items()} == {"Ink": True, "bad": False}
    assert str(found["bad"].problems[0]).startswith('bad.safetensors: The LoRA "bad" is a PyTorch pickle')


def test_folders_that_link_in_a_circle_are_looked_into_once(tmp_path: Path) -> None:
    write_lora(tmp_path / "a" / "Ink.safetensors", cross_attention(768))
    (tmp_path / "a" / "again").symlink_to(tmp_path)

    assert list_loras(tmp_path).problems == ()


# ---------------------------------------------------------------- notes


def test_a_note_is_written_beside_the_file_which_stays_as_it_is(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "Ink.safetensors", cross_attention(768), {"modelspec.trigger_phrase": "ink"})
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert listed(tmp_path)["Ink"].trigger_from == "metadata"

    detail = note_lora(tmp_path, NoteLora(lora="INK", trigger="sumi-e", weight=0.7, notes="Quiet."))

    assert (detail.info.trigger, detail.info.trigger_from, detail.info.weight) == ("sumi-e", "note", 0.7)
    assert detail.notes == "Quiet."
    assert detail.sha256 == hashlib.sha256(before[0]).hexdigest()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert json.loads((tmp_path / "Ink.json").read_text())["activation text"] == "sumi-e"


def test_a_note_that_cannot_be_read_is_a_problem_of_its_lora_which_stays_usable(tmp_path: Path) -> None:
    write_lora(tmp_path / "Ink.safetensors", cross_attention(768))
    (tmp_path / "Ink.json").write_text("[")

    info = listed(tmp_path)["Ink"]

    assert info.usable
    assert [str(problem) for problem in info.problems] == [
        "Ink.safetensors: The note Ink.json is no JSON map: mend it or remove it."
    ]
    assert lora_detail(find_lora(tmp_path, "Ink")).notes == ""


def test_a_note_that_links_out_of_the_folder_is_passed_over(tmp_path: Path) -> None:
    write_lora(tmp_path / "loras" / "Ink.safetensors", cross_attention(768))
    (tmp_path / "secret.json").write_text('{"notes": "secret"}')
    (tmp_path / "loras" / "Ink.json").symlink_to(tmp_path / "secret.json")

    assert lora_detail(find_lora(tmp_path / "loras", "Ink")).notes == ""


# ---------------------------------------------------------------- refusing


@pytest.mark.parametrize(
    ("width", "base", "kind", "remedy"),
    [
        (2048, "sd1", "SDXL", "leave it out"),
        (1024, "sd1", "Stable Diffusion 2", "leave it out"),
        (768, "starter", "Stable Diffusion 1.5", f"set the model to {SD15}, or leave it out"),
        (128, "sd1", "the starter model", "set the model to starter, or leave it out"),
    ],
)
def test_a_lora_of_another_base_is_refused_in_one_sentence(
    tmp_path: Path, width: int, base: Base, kind: str, remedy: str
) -> None:
    write_lora(tmp_path / "Ink.safetensors", cross_attention(width))

    with pytest.raises(LoraError) as caught:
        check_lora(find_lora(tmp_path, "ink"), "m", base)
    known = f"{kind} (its cross-attention takes {width} inputs)"
    assert caught.value.message == f'The LoRA "Ink" is for {known}, which the model "m" is not: {remedy}.'


@pytest.mark.parametrize(("width", "base"), [(768, "sd1"), (2048, "unknown"), (32, "sd1")])
def test_what_fits_or_cannot_be_told_is_let_through(tmp_path: Path, width: int, base: Base) -> None:
    write_lora(tmp_path / "Ink.safetensors", cross_attention(width))

    check_lora(find_lora(tmp_path, "ink"), "m", base)


def test_what_cannot_be_applied_is_refused_whatever_the_model(tmp_path: Path) -> None:
    write_lora(tmp_path / "Ink.safetensors", cross_attention(768) | {"lora_unet_x.oft_blocks": (2, 2)})
    (tmp_path / "bad.safetensors").write_bytes(b"")

    for name, reason in (("ink", "of a kind that imagineer cannot apply"), ("bad", "is not a safetensors file")):
        with pytest.raises(LoraError, match=reason):
            check_lora(find_lora(tmp_path, name), "m", "unknown")


def test_an_unknown_base_and_a_contradiction_are_told(tmp_path: Path) -> None:
    write_lora(tmp_path / "odd.safetensors", pair("lora_unet_x", 32, 32))
    write_lora(tmp_path / "liar.safetensors", cross_attention(768), {"ss_base_model_version": "sdxl"})
    write_lora(tmp_path / "fine.safetensors", cross_attention(768))

    unknown, contradiction = loras.doubts(find_lora(tmp_path, name) for name in ("odd", "fine", "liar"))
    assert unknown == 'Nothing tells which model the LoRA "odd" is for: it may not fit this one.'
    assert contradiction.startswith(
        'The LoRA "liar" says that it is for SDXL, but its cross-attention takes 768 inputs'
    )
