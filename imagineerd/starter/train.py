"""Trains the starter model from nothing: `python -m imagineerd.starter.train --work DIR`. Run again, it resumes."""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPTokenizer

from imagineerd.starter import parallel, train_autoencoder, train_decoder, train_unet
from imagineerd.starter import tokenizer as bpe
from imagineerd.starter.export import export
from imagineerd.starter.fitting import Course
from imagineerd.starter.pictures import autoencoder_extras, labels, recipes, render
from imagineerd.starter.prompts import corpus, read_decks

log = logging.getLogger(__name__)

MODEL = Path(__file__).parent / "model"
PICTURES = "pictures.npy"


@dataclass(frozen=True)
class Plan:
    """How much of everything. `pictures` and `steps` cut it short for tests; minutes are of training, not of pauses."""

    work: Path
    autoencoder_minutes: float = 32
    unet_minutes: float = 53
    decoder_minutes: float = 10.5
    processes: int = 2
    pictures: int | None = None
    steps: int | None = None


def draw(plan: Plan) -> None:
    """Pictures to `work`: those that the UNet learns, then those for the autoencoder alone."""
    cards = recipes(plan.pictures) + autoencoder_extras(plan.pictures)
    render(cards, plan.work / PICTURES, plan.processes)


def learn_tokens(plan: Plan) -> None:
    """The tokenizer to `work`, once."""
    folder = plan.work / "tokenizer"
    if not (folder / "merges.txt").exists():
        bpe.save(bpe.build(corpus(read_decks(), labels(recipes(plan.pictures)))), folder)


def train_vae(plan: Plan) -> None:
    """The autoencoder, then its scaled weights and the pictures' latents to `work`."""
    if (plan.work / "latents.npy").exists():
        return
    course = Course(plan.autoencoder_minutes, 2e-3, steps=plan.steps)
    parallel.launch(train_autoencoder.train, plan.processes, plan.work / PICTURES, plan.work, course)
    vae = train_autoencoder.load(plan.work)
    pictures = np.load(plan.work / PICTURES, mmap_mode="r")[: len(recipes(plan.pictures))]
    torch.set_num_threads(plan.processes)
    latents = train_autoencoder.normalise(vae, train_autoencoder.encode(vae, pictures))
    torch.save(vae.state_dict(), plan.work / "vae.pt")
    np.save(plan.work / "latents.npy", latents.numpy())


def train_denoiser(plan: Plan) -> None:
    """UNet and text encoder."""
    course = Course(plan.unet_minutes, 1.5e-3, steps=plan.steps)
    parallel.launch(train_unet.train, plan.processes, labels(recipes(plan.pictures)), plan.work, course)


def polish_decoder(plan: Plan) -> None:
    """The decoder alone, last, since the UNet does not depend on it."""
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
    parser.add_argument("--autoencoder-minutes", type=float, default=Plan.autoencoder_minutes)
    parser.add_argument("--unet-minutes", type=float, default=Plan.unet_minutes)
    parser.add_argument("--decoder-minutes", type=float, default=Plan.decoder_minutes)
    parser.add_argument("--processes", type=int, default=Plan.processes)
    parser.add_argument("--ship-only", action="store_true", help="export the checkpoints as they are")
    return parser.parse_args()


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = _arguments()
    minutes = (given.autoencoder_minutes, given.unet_minutes, given.decoder_minutes)
    plan = Plan(given.work, *minutes, given.processes)
    if given.ship_only:
        ship(plan, given.target)
    else:
        run(plan, given.target)


if __name__ == "__main__":
    main()
