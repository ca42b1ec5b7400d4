"""What was asked for becomes LoRAs with exact weights and hashes, once for all cards of a deal."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from lora_files import cross_attention, write_lora

from imagineerd.errors import LoraError
from imagineerd.jobs import LoraWeight
from imagineerd.link import ModelSource
from imagineerd.lora.choosing import Chooser
from imagineerd.models import SD15, ResolvedModel
from imagineerd.protocol import ModelInfo

MODEL = ResolvedModel(ModelSource(SD15, "", ""), ModelInfo(name=SD15))
MIXES = {"dark": (LoraWeight("Ink", 0.5), LoraWeight("Gold", 0.1))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Ink", "Gold"):
        write_lora(tmp_path / f"{name}.safetensors", cross_attention(768))
    (tmp_path / "Gold.json").write_text('{"preferred weight": 0.7}')
    write_lora(tmp_path / "Big.safetensors", cross_attention(2048))
    return tmp_path


def test_a_lora_gets_its_name_in_the_library_and_its_hash(folder: Path) -> None:
    digest = hashlib.sha256((folder / "Ink.safetensors").read_bytes()).hexdigest()

    assert Chooser(folder, {}).choose((LoraWeight("ink", 0.3),), MODEL).mix == (LoraWeight("Ink", 0.3, digest),)


@pytest.mark.parametrize(("name", "weight"), [("Gold", 0.7), ("Ink", 1.0)])
def test_a_lora_without_a_weight_gets_the_noted_one_else_1(folder: Path, name: str, weight: float) -> None:
    assert Chooser(folder, {}).exact((LoraWeight(name, noted=True),)) == (LoraWeight(name, weight),)


def test_a_weight_that_was_given_goes_before_the_noted_one(folder: Path) -> None:
    assert Chooser(folder, {}).exact((LoraWeight("Gold", 0.2),)) == (LoraWeight("Gold", 0.2),)


def test_the_mixes_are_remembered_by_name(folder: Path) -> None:
    chosen = Chooser(folder, MIXES).choose((LoraWeight("dark"), LoraWeight("gold", 0.4)), MODEL)

    assert [(lora.name, lora.weight) for lora in chosen.mix] == [("Ink", 0.5), ("Gold", 0.4)]
    assert chosen.mixes == ("dark",)


def test_trigger_words_are_noted_or_in_the_metadata_and_never_tags(folder: Path) -> None:
    for name, metadata in (
        ("Told", {"modelspec.trigger_phrase": "told so, paper"}),
        ("Tagged", {"ss_tag_frequency": '{"a": {"fox": 3}}'}),
        ("Noted", {"modelspec.trigger_phrase": "old words"}),
    ):
        write_lora(folder / f"{name}.safetensors", cross_attention(768), metadata)
    (folder / "Noted.json").write_text('{"activation text": "ink wash, paper"}')

    def words(*loras: tuple[str, float]) -> tuple[str, ...]:
        return Chooser(folder, {}).choose(tuple(LoraWeight(*lora) for lora in loras), MODEL).triggers

    assert words(("noted", 0.3), ("told", -1.0), ("tagged", 1.0)) == ("ink wash", "paper", "told so")
    assert words(("noted", 0.0), ("told", 0.5)) == ("told so", "paper")


def test_a_note_that_cannot_be_read_holds_up_no_lora_with_a_weight(folder: Path) -> None:
    (folder / "Ink.json").write_text("{")

    assert Chooser(folder, {}).choose((LoraWeight("Ink", 0.5),), MODEL).triggers == ()
    with pytest.raises(LoraError, match=r"Ink\.json is no JSON map"):
        Chooser(folder, {}).exact((LoraWeight("Ink", noted=True),))


def test_a_lora_of_another_base_is_refused(folder: Path) -> None:
    with pytest.raises(LoraError, match=r'"Big" is for SDXL .*which the model .* is not'):
        Chooser(folder, {}).choose((LoraWeight("big"),), MODEL)


def test_a_name_that_is_neither_is_answered_with_the_nearest_of_both(folder: Path) -> None:
    with pytest.raises(LoraError, match=r'There is no LoRA "drak" in .*\. Did you mean "dark"\?'):
        Chooser(folder, MIXES).exact((LoraWeight("drak"),))


def test_without_a_lora_the_folder_is_not_looked_into(tmp_path: Path) -> None:
    chooser = Chooser(tmp_path, MIXES)

    assert chooser.choose((), MODEL).mix == ()
    assert "library" not in vars(chooser)
