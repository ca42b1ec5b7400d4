"""Notes beside a LoRA: A1111's form, other programs' keys kept, written in one move."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.errors import LoraError
from imagineerd.lora.sidecar import MAX_SIDECAR, NO_NOTE, Note, read_note, sidecar_of, write_note
from imagineerd.lora.words import CONTROL

A1111 = {
    "description": "Ink on paper.",
    "sd version": "SD1",
    "activation text": "ink wash",
    "preferred weight": 0.7,
    "negative text": "",
    "notes": "Quiet.",
    "extra": {"kept": [1, "\ud800"]},
}


def test_a_note_of_a1111_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(A1111))

    assert read_note(tmp_path / "a.json") == Note("ink wash", 0.7, "Quiet.", "Ink on paper.")


def test_a_note_stands_beside_the_file() -> None:
    assert sidecar_of(Path("/loras/gold leaf.v2.safetensors")) == Path("/loras/gold leaf.v2.json")


def test_writing_changes_what_is_named_and_keeps_the_rest_in_order(tmp_path: Path) -> None:
    sidecar = tmp_path / "a.json"
    sidecar.write_text(json.dumps(A1111))
    sidecar.chmod(0o664)

    write_note(sidecar, trigger="sumi-e", weight=None, notes=None)

    assert list(json.loads(sidecar.read_text()).items()) == list((A1111 | {"activation text": "sumi-e"}).items())
    assert sidecar.stat().st_mode & 0o777 == 0o664
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_was_noted_is_taken_back_by_an_empty_text_and_a_weight_of_0(tmp_path: Path) -> None:
    write_note(tmp_path / "a.json", trigger="ink", weight=0.5, notes="x")
    write_note(tmp_path / "a.json", trigger="", weight=0.0, notes="")

    assert read_note(tmp_path / "a.json") == NO_NOTE


@pytest.mark.parametrize(
    ("value", "weight"),
    [("0.8", 0.8), (-1, -1.0), (0, None), ("", None), ("much", None), (None, None), (7, None), ([1], None), (True, 1.0),
     (10**400, None), (float("nan"), None)],
)  # fmt: skip
def test_a_weight_is_read_as_other_programs_write_it(tmp_path: Path, value: object, weight: float | None) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"preferred weight": value}))

    assert read_note(tmp_path / "a.json").weight == weight


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff{}", b"[" * 100_000, b" " * (MAX_SIDECAR + 1)])
def test_what_is_no_map_is_refused_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    sidecar = tmp_path / "a.json"
    sidecar.write_bytes(content)

    with pytest.raises(LoraError, match=r"The note a\.json is no JSON map"):
        read_note(sidecar)
    with pytest.raises(LoraError):
        write_note(sidecar, trigger="x", weight=None, notes=None)
    assert sidecar.read_bytes() == content


def test_a_note_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("imagineerd.lora.sidecar.replace_file", full)

    with pytest.raises(LoraError, match=r"a\.json was not written \(No space left on device\)"):
        write_note(tmp_path / "a.json", trigger="x", weight=None, notes=None)


SHOWN = st.text().map(lambda text: CONTROL.sub(" ", text)) | st.just("two\nlines")


def test_control_characters_and_halves_of_characters_are_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"activation text": "\x1b[31mred\ud800", "notes": "two\nlines"}))

    assert read_note(tmp_path / "a.json") == Note(trigger="[31mred", notes="two\nlines")


@given(trigger=SHOWN, weight=st.floats(-2, 2).filter(bool), notes=SHOWN)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, trigger: str, weight: float, notes: str
) -> None:
    sidecar = tmp_path_factory.mktemp("notes") / "a.json"

    write_note(sidecar, trigger=trigger, weight=weight, notes=notes)

    assert read_note(sidecar) == Note(trigger, weight, notes)
