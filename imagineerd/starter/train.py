"""Trains the starter model from nothing: `python -m imagineerd.starter.train --work DIR`. Run again, it resumes."""

import argparse
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from imagineerd.starter import parallel, train_autoencoder, train_decoder, train_unet
from imagineerd.starter import tokenizer as bpe
from imagineerd.starter.export import export
from imagineerd.starter.fitting import Course
from imagineerd.starter.pictures import SHAPES, autoencoder_extras, labels, mark_telling, recipes, render, reshaped
from imagineerd.starter.prompts import corpus, read_decks

log = logging.getLogger(__name__)

MODEL = Path(__file__).parent / "model"
PICTURES = "pictures.npy"
OTHER_SHAPES = [shape for shape in SHAPES if shape != "portrait"]


@dataclass(frozen=True)
class Plan:
    """How much of everything. Minutes are of training, not of pauses.

    `start` is a finished model to go on from; without one the weights start at random. With it, no minutes for the
    autoencoder or the decoder keep the finished one, and a lower `unet_rate` spoils less of what is learnt.
    `pictures` and `steps` cut it short for tests.
    """

    work: Path
    autoencoder_minutes: float = 32
    unet_minutes: float = 53
    decoder_minutes: float = 10.5
    unet_rate: float = 1.5e-3
    start: Path | None = None
    processes: int = 2
    pictures: int | None = None
    steps: int | None = None


def draw(plan: Plan) -> None:
    """Pictures to `work`: the upright ones with those for the autoencoder alone after them, then the other shapes."""
    cards = recipes(plan.pictures) + autoencoder_extras(plan.pictures)
    render(cards, plan.work / PICTURES, plan.processes)
    for shape in OTHER_SHAPES:
        render(reshaped(shape, plan.pictures), plan.work / f"{shape}.npy", plan.processes)


def learn_tokens(plan: Plan) -> None:
    """The tokenizer to `work`, once."""
    folder = plan.work / "tokenizer"
    if plan.start and not folder.exists():
        shutil.copytree(plan.start / "tokenizer", folder)
    if not (folder / "merges.txt").exists():
        bpe.save(bpe.build(corpus(read_decks(), labels(recipes(plan.pictures)))), folder)


def train_vae(plan: Plan) -> None:
    """The autoencoder, its latents of unit variance, then the pictures' latents to `work`."""
    if (plan.work / "latents.npy").exists():
        return
    vae, latents = _learnt_autoencoder(plan) if plan.autoencoder_minutes else _kept_autoencoder(plan)
    torch.save(vae.state_dict(), plan.work / "vae.pt")
    for shape in OTHER_SHAPES:
        np.save(plan.work / f"latents-{shape}.npy", _encode(vae, plan, f"{shape}.npy").numpy())
    np.save(plan.work / "latents.npy", latents.numpy())


def _learnt_autoencoder(plan: Plan) -> tuple[AutoencoderKL, torch.Tensor]:
    course = Course(plan.autoencoder_minutes, 2e-3, steps=plan.steps)
    parallel.launch(train_autoencoder.train, plan.processes, plan.work / PICTURES, plan.work, course, plan.start)
    torch.set_num_threads(plan.processes)
    vae = train_autoencoder.load(plan.work)
    return vae, train_autoencoder.normalise(vae, _encode_upright(vae, plan))


def _kept_autoencoder(plan: Plan) -> tuple[AutoencoderKL, torch.Tensor]:
    vae = AutoencoderKL.from_pretrained(plan.start, subfolder="vae").float().eval()
    return vae, _encode_upright(vae, plan)


def _encode_upright(vae: AutoencoderKL, plan: Plan) -> torch.Tensor:
    return _encode(vae, plan, PICTURES, len(recipes(plan.pictures)))


def _encode(vae: AutoencoderKL, plan: Plan, name: str, count: int | None = None) -> torch.Tensor:
    return train_autoencoder.encode(vae, np.load(plan.work / name, mmap_mode="r")[:count])


def train_denoiser(plan: Plan) -> None:
    """UNet and text encoder."""
    course = Course(plan.unet_minutes, plan.unet_rate, steps=plan.steps)
    cards = {"portrait": recipes(plan.pictures)} | {shape: reshaped(shape, plan.pictures) for shape in OTHER_SHAPES}
    for shape, shown in cards.items():
        mark_telling(shown, plan.work / f"telling-{shape}.npy", plan.processes)
    names = {shape: labels(shown) for shape, shown in cards.items()}
    parallel.launch(train_unet.train, plan.processes, names, plan.work, course, plan.start)


def polish_decoder(plan: Plan) -> None:
    """The decoder alone, last, since the UNet does not depend on it."""
    if not plan.decoder_minutes:
        return
    course = Course(plan.decoder_minutes, 1e-3, warmup=50, decay=0.99, steps=plan.steps)
    parallel.launch(train_decoder.train, plan.processes, plan.work / PICTURES, plan.work, course)


def ship(plan: Plan, target: Path) -> None:
    """Whatever the checkpoints hold, as a pipeline folder."""
    export(train_unet.load(plan.work), CLIPTokenizer.from_pretrained(plan.work / "tokenizer"), target)


def run(plan: Plan, target: Path) -> None:
    """Everything, skipping what an earlier run finished."""
    plan.work.mkdir(parents=True, exist_ok=True)
    for stage in (draw, learn_tokens, train_vae, train_denoiser, polish_decoder):
        log.info(stage.__name__)
        stage(plan)
    ship(plan, target)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for pictures, latents and checkpoints")
    parser.add_argument("--target", type=Path, default=MODEL, help="where the finished pipeline goes")
    parser.add_argument("--start", type=Path, help="a finished model to go on from")
    parser.add_argument("--autoencoder-minutes", type=float, default=Plan.autoencoder_minutes)
    parser.add_argument("--unet-minutes", type=float, default=Plan.unet_minutes)
    parser.add_argument("--decoder-minutes", type=float, default=Plan.decoder_minutes)
    parser.add_argument("--unet-rate", type=float, default=Plan.unet_rate, help="learning rate at its highest")
    parser.add_argument("--processes", type=int, default=Plan.processes)
    parser.add_argument("--ship-only", action="store_true", help="export the checkpoints as they are")
    return parser.parse_args()


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = _arguments()
    minutes = (given.autoencoder_minutes, given.unet_minutes, given.decoder_minutes)
    plan = Plan(given.work, *minutes, given.unet_rate, given.start, given.processes)
    if given.ship_only:
        ship(plan, given.target)
    else:
        run(plan, given.target)


if __name__ == "__main__":
    main()
