"""The training program, on a handful of pictures: from nothing to a pipeline, and on from a checkpoint."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from imagineerd.starter import train_autoencoder, train_unet
from imagineerd.starter.fitting import Course, Fit
from imagineerd.starter.network import new_vae
from imagineerd.starter.pictures import Label
from imagineerd.starter.train import Plan, run


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    run(Plan(folder, processes=1, pictures=12, steps=2), folder / "model")
    return folder


def test_everything_comes_from_nothing(work: Path) -> None:
    assert (work / "model" / "model_index.json").exists()
    assert np.load(work / "latents.npy").shape == (12, 4, 24, 16)
    assert np.load(work / "latents-landscape.npy").shape == (12, 4, 16, 24)


def test_latents_have_unit_variance(work: Path) -> None:
    latents = np.load(work / "latents.npy")
    assert np.allclose(latents.std(axis=(0, 2, 3)), 1, atol=0.01)
    assert np.allclose(latents.mean(axis=(0, 2, 3)), 0, atol=0.01)


def test_scaling_the_latents_changes_no_picture(work: Path) -> None:
    pictures = np.load(work / "pictures.npy")[:2]
    vae = train_autoencoder.load(work)
    with torch.no_grad():
        before = vae.decode(train_autoencoder.encode(vae, pictures)).sample
        train_autoencoder.normalise(vae, train_autoencoder.encode(vae, np.load(work / "pictures.npy")))
        after = vae.decode(train_autoencoder.encode(vae, pictures)).sample
    assert torch.allclose(before, after, atol=1e-3)


def test_a_finished_model_can_be_gone_on_from(work: Path, tmp_path: Path) -> None:
    run(Plan(tmp_path, start=work / "model", processes=1, pictures=12, steps=1), tmp_path / "model")
    before, after = (StableDiffusionPipeline.from_pretrained(path / "model") for path in (work, tmp_path))
    moved = (before.unet.conv_in.weight - after.unet.conv_in.weight).abs().max()
    assert 0 < moved < 0.1
    assert before.tokenizer.get_vocab() == after.tokenizer.get_vocab()


def test_with_no_minutes_for_it_the_finished_autoencoder_is_kept(work: Path, tmp_path: Path) -> None:
    plan = Plan(tmp_path, 0, decoder_minutes=0, start=work / "model", processes=1, pictures=12, steps=1)
    run(plan, tmp_path / "model")
    before, after = (StableDiffusionPipeline.from_pretrained(path / "model") for path in (work, tmp_path))
    for name, weight in before.vae.state_dict().items():
        assert torch.equal(weight, after.vae.state_dict()[name]), name
    assert not torch.equal(before.unet.conv_in.weight, after.unet.conv_in.weight)


def test_what_tells_a_card_counts_more() -> None:
    telling = torch.zeros(1, 4, 4, dtype=torch.bool)
    telling[0, 0, 0] = True
    error = torch.zeros(1, 4, 4)
    error[0, 0, 0] = 1
    inside = train_unet.mean_over_cells(error, telling)
    assert torch.isclose(inside, train_unet.TELLING_WEIGHT * train_unet.mean_over_cells(error.roll(1), telling)).all()
    assert torch.equal(train_unet.mean_over_cells(error, None), error.mean(dim=(1, 2)))


def test_square_and_landscape_cards_are_learnt_now_and_then() -> None:
    shapes = [train_unet.shape_of(step) for step in range(32)]
    assert (shapes.count("portrait"), shapes.count("square"), shapes.count("landscape")) == (28, 2, 2)


def test_training_goes_on_from_its_checkpoint(work: Path) -> None:
    before = torch.load(work / train_unet.CHECKPOINT, weights_only=True)["step"]
    run(Plan(work, processes=1, pictures=12, steps=before + 1), work / "model")
    assert torch.load(work / train_unet.CHECKPOINT, weights_only=True)["step"] == before + 1


def test_a_course_ends_when_its_minutes_are_over(tmp_path: Path) -> None:
    fit = Fit(torch.nn.Linear(16, 16), Course(minutes=1e-9, rate=0.1), tmp_path / "fit.pt", rank=0)
    fit.run(lambda _step, _progress: fit.model(torch.ones(16)).sum())
    assert fit.step == 1
    assert fit.checkpoint.exists()


def test_the_first_process_alone_saves(tmp_path: Path) -> None:
    Fit(new_vae(), Course(1, 0.1), tmp_path / "fit.pt", rank=1).save()
    assert not (tmp_path / "fit.pt").exists()


def test_times_are_spread_over_the_whole_schedule() -> None:
    times = train_unet.spread_times(10).sort().values
    assert torch.equal(times // 100, torch.arange(10))


def test_a_pass_shows_every_card_once_and_those_of_the_black_suits_twice() -> None:
    names = ["Ace of Spades", "Wheel of Fortune", "Two of Clubs", "Two of Hearts"]
    assert sorted(train_unet.lessons([Label(name, "ocean", "") for name in names])) == [0, 0, 1, 2, 2, 3]
