"""Single-file checkpoints load without the network and give the same parts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from imagineerd.errors import ModelError
from imagineerd.worker import checkpoints
from imagineerd.worker.denoise import denoise, row_of
from imagineerd.worker.models import Model

from .conftest import SHAPE, STARTER
from .ldm import checkpoint_of


@pytest.fixture(scope="module")
def checkpoint(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    save_file(checkpoint_of(model), folder / "tiny.safetensors")
    shutil.copytree(STARTER / "tokenizer", folder / "tokenizer")
    return folder / "tiny.safetensors"


def test_a_checkpoint_has_the_weights_and_draws_the_picture_of_its_folder(
    model: Any, checkpoint: Path, spec: Any
) -> None:
    parts = checkpoints.load(checkpoint, torch.float32, None, SHAPE)
    loaded = Model("tiny", "", device=torch.device("cpu"), dtype=torch.float32, **parts)
    for ours, theirs in zip(loaded.parts, model.parts, strict=True):
        expected = theirs.state_dict()
        assert set(ours.state_dict()) == set(expected)
        assert all(torch.equal(value, expected[name]) for name, value in ours.state_dict().items())
    pictures = [denoise(one, [row_of(1, spec())], spec(), 1) for one in (model, loaded)]

    assert torch.equal(*pictures)


def test_the_shapes_are_those_of_stable_diffusion_1_5() -> None:
    with torch.device("meta"):
        unet = checkpoints.UNet2DConditionModel(**checkpoints.SD15["unet"])
        vae = checkpoints.AutoencoderKL(**checkpoints.SD15["vae"])
        text = checkpoints.CLIPTextModel(checkpoints.CLIPTextConfig(**checkpoints.SD15["text_encoder"]))
    sizes = [sum(value.numel() for value in part.parameters()) for part in (unet, vae, text)]

    assert sizes == [859_520_964, 83_653_863, 123_060_480]


def test_a_checkpoint_without_a_tokenizer_says_what_to_do(checkpoint: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.safetensors"
    alone.hardlink_to(checkpoint)

    with pytest.raises(ModelError, match="tokenizer"):
        checkpoints.load(alone, torch.float32, tmp_path / "cache", SHAPE)


def test_another_family_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint.parent / "tokenizer", tmp_path / "tokenizer")
    save_file({"conditioner.embedders.0.x": torch.zeros(1)}, tmp_path / "xl.safetensors")

    with pytest.raises(ModelError, match=r"no complete Stable Diffusion 1\.x checkpoint"):
        checkpoints.load(tmp_path / "xl.safetensors", torch.float32, None)


def test_a_checkpoint_that_lacks_weights_is_refused(model: Any, checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint.parent / "tokenizer", tmp_path / "tokenizer")
    weights = checkpoint_of(model)
    del weights["model.diffusion_model.out.2.weight"]
    save_file(weights, tmp_path / "part.safetensors")

    with pytest.raises(ModelError, match="lacks 1 weights"):
        checkpoints.load(tmp_path / "part.safetensors", torch.float32, None, SHAPE)
