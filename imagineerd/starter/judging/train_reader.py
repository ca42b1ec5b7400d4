"""Teaches the readers on drawings of their own, half of them after a pass through the autoencoder."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy

from imagineerd.starter.concepts import CONCEPTS, SUITS
from imagineerd.starter.drawing.card import Recipe
from imagineerd.starter.judging.questions import BY_NAME, SUITED
from imagineerd.starter.judging.reader import RANKS, Reader, Readers, SuitReader
from imagineerd.starter.pictures import STYLE_NAMES, Label, batches, labels, render
from imagineerd.starter.train_autoencoder import to_signal
from imagineerd.starter.vocabulary import THEMES

log = logging.getLogger(__name__)

SEEDS = range(500, 503)  # one drawing each, none of which trained the model
NOTHING = -100  # what cross_entropy leaves out
BATCH = 64
BLUR_SHARE = 0.3  # of the batches
EPOCHS = 8
SUIT_EPOCHS = 10

R = TypeVar("R", bound=nn.Module)


@dataclass(frozen=True)
class Lessons:
    """Pictures [n, 192, 128, 3] and what they show: concept, theme, rank and suit numbers [n]."""

    pictures: NDArray[np.uint8]
    concepts: Tensor
    themes: Tensor
    ranks: Tensor
    suits: Tensor


def lesson_recipes(seeds: range = SEEDS) -> list[Recipe]:
    """Every concept in every theme, once per seed; styles go round."""
    return [
        Recipe(concept, theme, STYLE_NAMES[(i + 2 * j + seed) % len(STYLE_NAMES)], seed=seed)
        for seed in seeds
        for i, concept in enumerate(CONCEPTS)
        for j, theme in enumerate(THEMES)
    ]


@torch.no_grad()
def through(vae: AutoencoderKL, pictures: NDArray[np.uint8], size: int = 32) -> NDArray[np.uint8]:
    """What the autoencoder makes of pictures [n, h, w, 3]: the best that any latent can look."""
    parts = [_passed(vae, pictures[i : i + size]) for i in range(0, len(pictures), size)]
    return np.concatenate(parts)


def _passed(vae: AutoencoderKL, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    made = vae.decode(vae.encode(to_signal(pictures)).latent_dist.mean).sample
    pixels: NDArray[np.uint8] = ((made.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return pixels


def prepare(vae: AutoencoderKL, work: Path, cards: list[Recipe]) -> Lessons:
    """Draws the lessons, every second one as the autoencoder shows it."""
    render(cards, work / "lessons.npy")
    pictures = np.load(work / "lessons.npy")
    pictures[::2] = through(vae, pictures[::2])
    shown = labels(cards)
    return Lessons(pictures, *(torch.tensor(numbers) for numbers in zip(*map(_numbers, shown), strict=True)))


def _numbers(label: Label) -> tuple[int, int, int, int]:
    concept = BY_NAME[label.concept]
    rank, suit = NOTHING, NOTHING
    if concept.kind in SUITED:
        rank, suit = RANKS.index(concept.rank), SUITS.index(concept.suit)
    return CONCEPTS.index(concept), list(THEMES).index(label.theme), rank, suit


def _disturb(signal: Tensor) -> Tensor:
    """Moves a batch a little, changes its contrast and adds grain, now and then blurs it: drawn cards are too clean."""
    moved = signal.roll(tuple(torch.randint(-3, 4, (2,)).tolist()), (2, 3))
    gain, shift = 0.85 + 0.3 * torch.rand(len(signal), 1, 1, 1), 0.1 * torch.randn(len(signal), 3, 1, 1)
    grainy = moved * gain + shift + 0.08 * torch.rand(()) * torch.randn_like(moved)
    return avg_pool2d(grainy, 3, 1, 1) if torch.rand(()) < BLUR_SHARE else grainy


def teach(lessons: Lessons, epochs: int = EPOCHS) -> Reader:
    """A reader of cards that has seen every lesson `epochs` times."""
    torch.manual_seed(0)
    return _taught(Reader(), np.arange(len(lessons.pictures)), epochs, partial(_loss, lessons=lessons))


def teach_suits(lessons: Lessons, epochs: int = SUIT_EPOCHS) -> SuitReader:
    """A reader of suits that has seen every lesson with a suit `epochs` times."""
    torch.manual_seed(0)
    suited = (lessons.suits != NOTHING).nonzero().flatten().numpy()
    return _taught(SuitReader(), suited, epochs, partial(_suit_loss, lessons=lessons))


def _taught(reader: R, shown: NDArray[np.int64], epochs: int, loss_of: Callable[[R, NDArray[np.int64]], Tensor]) -> R:
    steps = epochs * max(1, len(shown) // BATCH)
    optimiser = torch.optim.AdamW(reader.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    order = batches(len(shown), BATCH, np.random.default_rng(0))
    for step in range(steps):
        loss = loss_of(reader, shown[next(order)])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            log.info("%s step %d of %d loss %.3f", type(reader).__name__, step, steps, loss.item())
    reader.eval()
    return reader


def _loss(reader: Reader, chosen: NDArray[np.int64], lessons: Lessons) -> Tensor:
    signal = _disturb(to_signal(lessons.pictures[chosen]))
    answers = (lessons.concepts[chosen], lessons.themes[chosen], lessons.ranks[chosen])
    total = torch.zeros(())
    for logits, truth in zip(reader(signal), answers, strict=True):
        total = total + cross_entropy(logits, truth, ignore_index=NOTHING)
    return total


def _suit_loss(reader: SuitReader, chosen: NDArray[np.int64], lessons: Lessons) -> Tensor:
    return cross_entropy(reader(_disturb(to_signal(lessons.pictures[chosen]))), lessons.suits[chosen])


def trained_readers(vae: AutoencoderKL, work: Path) -> Readers:
    """The readers kept in `work`, taught first when there are none (about fifteen minutes on a core)."""
    work.mkdir(parents=True, exist_ok=True)
    lessons = cache(lambda: prepare(vae, work, lesson_recipes()))
    return Readers(
        _kept(Reader(), work / "reader.safetensors", lambda: teach(lessons())),
        _kept(SuitReader(), work / "suits.safetensors", lambda: teach_suits(lessons())),
    )


def _kept(reader: R, file: Path, taught: Callable[[], R]) -> R:
    if not file.exists():
        save_file(taught().state_dict(), file)
    reader.load_state_dict(load_file(file))
    reader.eval()
    return reader
