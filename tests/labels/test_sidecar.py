"""The label of a take stands in its sidecar, beside what was there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagineerd.labels.sidecar import note_label
from imagineerd.protocol import Label

LABEL = Label(id=3, caption="A rám.", rating="SAFE", tags=("ram",), model="m")


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    file = tmp_path / "01_aries.json"
    file.write_text('{"job": 7, "prompt": "Aries"}')
    return file


def test_a_label_is_put_beside_what_was_there(sidecar: Path) -> None:
    note_label(sidecar, LABEL)

    about = json.loads(sidecar.read_text())
    assert (about["job"], about["prompt"]) == (7, "Aries")
    assert about["label"] == {"id": 3, "caption": "A rám.", "rating": "SAFE", "tags": ["ram"], "model": "m"}


def test_another_label_takes_its_place_and_none_removes_it(sidecar: Path) -> None:
    note_label(sidecar, LABEL)
    note_label(sidecar, Label(id=4, caption="Another."))
    assert json.loads(sidecar.read_text())["label"] == {"id": 4, "caption": "Another."}

    note_label(sidecar, None)
    assert json.loads(sidecar.read_text()) == {"job": 7, "prompt": "Aries"}


def test_a_sidecar_that_is_none_is_left_alone(sidecar: Path) -> None:
    sidecar.write_text("[1]")

    with pytest.raises(ValueError, match="no JSON map"):
        note_label(sidecar, LABEL)

    assert sidecar.read_text() == "[1]"


def test_a_sidecar_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        note_label(tmp_path / "x.json", LABEL)

    assert not list(tmp_path.iterdir())
