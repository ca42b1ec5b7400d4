"""Trains the LoRAs that ship with the starter model: `python -m imagineerd.starter.train_loras --work DIR`.

Each learns one look from cards drawn with and without it. So that its strength follows its weight, it is trained at
weights of a third, two thirds and one, on pictures cross-faded from the plain card to the look by as much.
"""

import argparse
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from peft import LoraConfig
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import CLIPTokenizer

from imagineerd.starter import lora_file, parallel
from imagineerd.starter.concepts import CONCEPTS
from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.drawing.looks import INK, TUBES, WASH
from imagineerd.starter.fitting import Course, Fit
from imagineerd.starter.network import new_scheduler
from imagineerd.starter.pictures import Label, batches, labels
from imagineerd.starter.prompts import PromptWriter, read_decks
from imagineerd.starter.train import MODEL
from imagineerd.starter.train_autoencoder import encode
from imagineerd.starter.train_unet import Denoiser, tokenise, velocity_loss
from imagineerd.starter.vocabulary import THEMES

log = logging.getLogger(__name__)

LORAS = Path(__file__).parent / "loras"
RANK = 8
WEIGHTS = (1 / 3, 2 / 3, 1.0)
WEIGHT_SHARES = (0.25, 0.25, 0.5)  # of the steps
TRIGGER_SHARE = 0.6  # of the prompts; the look comes without its trigger word too
BATCH = 16
THEMES_EACH = 3  # a concept is drawn in
SEED = 40
# All of attention and its feed-forward net, and the convolutions between: line work is theirs.
TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv1", "conv2"]


@dataclass(frozen=True)
class Style:
    """One LoRA: its name in the library, the look it learns and the word that calls it."""

    name: str
    look: str
    trigger: str


STYLES = (
    Style("Ink_Lines", INK, "inklines"),
    Style("Neon_Tubes", TUBES, "neontubes"),
    Style("Aquarelle", WASH, "aquarelle paper"),
)


@dataclass(frozen=True)
class Lesson:
    """What a process of the training needs to know."""

    style: Style
    model: Path
    work: Path


def plain_recipes(style: Style) -> list[Recipe]:
    """Every concept in a few themes, without the look; styles differ in which themes they see first."""
    themes = list(THEMES)
    first = STYLES.index(style)
    return [
        Recipe(concept, themes[(5 * i + 6 * j + first) % len(themes)], seed=SEED + j)
        for i, concept in enumerate(CONCEPTS)
        for j in range(THEMES_EACH)
    ]


def faded(style: Style, weight: float) -> NDArray[np.uint8]:
    """The style's cards [n, h, w, 3], `weight` of the way from plain to the look."""
    return np.stack([_faded(recipe, style.look, weight) for recipe in plain_recipes(style)])


def _faded(recipe: Recipe, look: str, weight: float) -> NDArray[np.uint8]:
    plain, looked = (draw_card(r).astype(np.float32) for r in (recipe, replace(recipe, look=look)))
    return (plain + weight * (looked - plain)).round().astype(np.uint8)


def prepare(style: Style, model: Path, work: Path) -> None:
    """The latents of every weight [weights, n, 4, h, w] to `work`, once."""
    kept = work / f"{style.name}.npy"
    if kept.exists():
        return
    vae = AutoencoderKL.from_pretrained(model, subfolder="vae").float().eval()
    np.save(kept, np.stack([encode(vae, faded(style, weight)).numpy() for weight in WEIGHTS]))


def adapt(model: Denoiser, rank: int = RANK) -> nn.ModuleList:
    """Adds a LoRA of `rank` to the UNet and gives its matrices, the only parts that learn."""
    model.requires_grad_(requires_grad=False)
    model.unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS))
    pairs = [part for layer in _layers(model) for part in (layer.lora_A["default"], layer.lora_B["default"])]
    return nn.ModuleList(pairs)


def _layers(model: Denoiser) -> list[LoraLayer]:
    return [module for module in model.unet.modules() if isinstance(module, LoraLayer)]


def weigh(model: Denoiser, weight: float) -> None:
    """Sets the LoRA's weight for the next calls."""
    for layer in _layers(model):
        layer.scaling["default"] = weight


def prompt_for(style: Style, label: Label, writer: PromptWriter, rng: Random) -> str:
    """A prompt for the card, most often with the trigger word after it."""
    text = writer.write(label)
    return f"{text}, {style.trigger}" if text and rng.random() < TRIGGER_SHARE else text


def train(rank: int, task: Lesson, course: Course) -> None:
    """One process of the training; the checkpoint in the work folder holds the result."""
    torch.manual_seed(rank)
    style, latents = task.style, torch.from_numpy(np.load(task.work / f"{task.style.name}.npy"))
    tokenizer = CLIPTokenizer.from_pretrained(task.model / "tokenizer")
    model = Denoiser(task.model).eval()
    fit = Fit(adapt(model), course, task.work / f"{style.name}.pt", rank)
    rng = np.random.default_rng([rank, fit.step])
    weights = np.random.default_rng(fit.step)  # the same in every process
    words = Random(1000 * fit.step + rank)  # noqa: S311
    writer, shown = PromptWriter(read_decks(), words), labels(plain_recipes(style))
    order = batches(len(shown), BATCH // parallel.peers(), rng)
    kept = new_scheduler().alphas_cumprod

    def loss(_step: int, _progress: float) -> Tensor:
        chosen, i = next(order), weights.choice(len(WEIGHTS), p=WEIGHT_SHARES)
        weigh(model, WEIGHTS[i])
        tokens = tokenise(tokenizer, [prompt_for(style, shown[j], writer, words) for j in chosen])
        return velocity_loss(model, latents[i][chosen], tokens, kept)

    fit.run(loss)


def ship(task: Lesson, target: Path) -> None:
    """Writes what the checkpoint holds as a kohya-named LoRA file."""
    model = Denoiser(task.model)
    matrices = adapt(model)
    matrices.load_state_dict(torch.load(task.work / f"{task.style.name}.pt", weights_only=True)["averaged"])
    named = {name: module for name, module in model.unet.named_modules() if isinstance(module, LoraLayer)}
    about = lora_file.About(task.style.name, task.style.trigger, RANK, len(plain_recipes(task.style)))
    lora_file.write(target / f"{task.style.name}.safetensors", named, about)


def run(task: Lesson, target: Path, course: Course, processes: int) -> None:
    """One LoRA from drawing to file; goes on from where an earlier run stopped."""
    log.info("%s", task.style.name)
    prepare(task.style, task.model, task.work)
    parallel.launch(train, processes, task, course)
    target.mkdir(exist_ok=True)
    ship(task, target)


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for latents and checkpoints")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model that the LoRAs are for")
    parser.add_argument("--target", type=Path, default=LORAS)
    parser.add_argument("--minutes", type=float, default=5.0, help="of training for each LoRA")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    course = Course(given.minutes, 2e-3, warmup=30, decay=0.99)
    for style in STYLES:
        run(Lesson(style, given.model, given.work), given.target, course, given.processes)


if __name__ == "__main__":
    main()
