"""Teaching the reader, on a few lessons."""

from pathlib import Path

import numpy as np
import pytest
from diffusers import AutoencoderKL

from imagineerd.starter.concepts import SUITS
from imagineerd.starter.judging.reader import Readers, SuitReader, read
from imagineerd.starter.judging.train_reader import (
    Lessons,
    lesson_recipes,
    prepare,
    teach,
    teach_suits,
    trained_readers,
)
from imagineerd.starter.train import MODEL
from imagineerd.starter.train_autoencoder import to_signal


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(MODEL, subfolder="vae").float().eval()


@pytest.fixture(scope="module")
def lessons(vae: AutoencoderKL, tmp_path_factory: pytest.TempPathFactory) -> Lessons:
    return prepare(vae, tmp_path_factory.mktemp("lessons"), lesson_recipes()[:6])


def test_every_second_lesson_has_passed_the_autoencoder(lessons: Lessons, vae: AutoencoderKL, tmp_path: Path) -> None:
    clean = prepare(vae, tmp_path, [lesson_recipes()[1], lesson_recipes()[1]]).pictures
    assert np.array_equal(lessons.pictures[1], clean[1])
    assert not np.array_equal(clean[0], clean[1])


def test_a_reader_learns_its_lessons(lessons: Lessons) -> None:
    reader = teach(lessons, epochs=40)
    right = [reading.theme == recipe.theme for reading, recipe in zip(
        read(Readers(reader, SuitReader().eval()), lessons.pictures), lesson_recipes(), strict=False)]  # fmt: skip
    assert sum(right) >= 5


def test_a_reader_of_suits_learns_from_cards_that_have_one(lessons: Lessons) -> None:
    suited = [recipe.concept.suit for recipe in lesson_recipes()[:6]]
    assert all(suited)
    reader = teach_suits(lessons, epochs=40)
    said = reader(to_signal(lessons.pictures)).argmax(dim=1)
    assert [SUITS[number] for number in said] == suited


def test_readers_are_taught_once(vae: AutoencoderKL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = lesson_recipes()[:4]
    monkeypatch.setattr("imagineerd.starter.judging.train_reader.lesson_recipes", lambda: few)
    first = trained_readers(vae, tmp_path)
    (tmp_path / "lessons.npy").unlink()
    again = trained_readers(vae, tmp_path)
    assert np.array_equal(first.cards.theme.weight.detach(), again.cards.theme.weight.detach())
    assert np.array_equal(first.suits.suit.weight.detach(), again.suits.suit.weight.detach())
