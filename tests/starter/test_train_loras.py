"""The program that trains the shipped LoRAs, on a step or two: what it learns from and what it writes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from imagineerd.lora.facts import facts_of
from imagineerd.lora.header import read_header
from imagineerd.starter import train_loras
from imagineerd.starter.fitting import Course
from imagineerd.starter.train import MODEL
from imagineerd.starter.train_loras import STYLES, Lesson, faded, plain_recipes, run
from imagineerd.starter.train_unet import Denoiser


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_loras, "plain_recipes", lambda style: plain_recipes(style)[::22])
        run(Lesson(STYLES[0], MODEL, folder), folder, Course(1, 1e-3, steps=2), processes=1)
    return folder / f"{STYLES[0].name}.safetensors"


def test_every_style_learns_from_every_concept() -> None:
    for style in STYLES:
        recipes = plain_recipes(style)
        assert len({recipe.concept for recipe in recipes}) == 88
        assert len({recipe.theme for recipe in recipes}) == 17


def test_a_card_fades_evenly_into_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_loras, "plain_recipes", lambda style: plain_recipes(style)[:1])
    none, half, whole = (faded(STYLES[0], weight).astype(float) for weight in (0.0, 0.5, 1.0))
    assert np.abs((none + whole) / 2 - half).max() <= 1


def test_the_library_reads_what_was_written(trained: Path) -> None:
    facts = facts_of(trained.stem, read_header(trained))
    assert (facts.base, facts.ranks, facts.trigger) == ("starter", (train_loras.RANK,), STYLES[0].trigger)


def test_an_untrained_lora_changes_nothing() -> None:
    model = Denoiser(MODEL).eval()
    given = (torch.randn(1, 4, 24, 16), torch.tensor([500]), torch.zeros(1, 77, dtype=torch.long))
    with torch.no_grad():
        before = model(*given)
        train_loras.adapt(model)
        assert torch.allclose(before, model(*given), atol=1e-5)


def test_a_weight_of_nothing_silences_a_trained_lora(trained: Path) -> None:
    model = Denoiser(MODEL).eval()
    given = (torch.randn(1, 4, 24, 16), torch.tensor([500]), torch.zeros(1, 77, dtype=torch.long))
    matrices = train_loras.adapt(model)
    matrices.load_state_dict(torch.load(trained.with_suffix(".pt"), weights_only=True)["averaged"])
    with torch.no_grad():
        full = model(*given)
        train_loras.weigh(model, 0)
        none = model(*given)
    assert not torch.equal(full, none)
    assert torch.allclose(none, Denoiser(MODEL).eval()(*given).detach(), atol=1e-5)


def test_the_file_is_small_half_precision(trained: Path) -> None:
    with safe_open(trained, "pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys() if "alpha" not in key} == {torch.float16}  # noqa: SIM118
    assert trained.stat().st_size < 2 * 1024 * 1024
