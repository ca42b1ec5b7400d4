"""Draws the training pictures, every concept in every theme and style, into one array on disk."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagineerd.starter.concepts import CONCEPTS
from imagineerd.starter.drawing.card import LANDSCAPE, NO_STYLE, PORTRAIT, SQUARE, Recipe, draw_card, telling
from imagineerd.starter.drawing.looks import LOOKS
from imagineerd.starter.vocabulary import STYLES, THEMES

STYLE_NAMES = (NO_STYLE, *STYLES)
SHAPES = {"portrait": PORTRAIT, "square": SQUARE, "landscape": LANDSCAPE}
CELL = 8  # pixels, the side of what a latent stands for
SEEDS = {"pip": 1, "court": 1, "joker": 1, "major": 2, "sign": 2}  # few samples each, so drawn twice


@dataclass(frozen=True)
class Label:
    """What a picture shows, by name."""

    concept: str
    theme: str
    style: str


def recipes(few: int | None = None) -> list[Recipe]:
    """Every upright picture of the training set; `few` keeps that many, evenly spread, for tests."""
    full = [
        Recipe(concept, theme, style, seed=seed)
        for concept in CONCEPTS
        for theme in THEMES
        for style in STYLE_NAMES
        for seed in range(SEEDS[concept.kind])
    ]
    return full if few is None else full[:: max(1, len(full) // few)][:few]


def reshaped(shape: str, few: int | None = None) -> list[Recipe]:
    """Every concept in every theme once, square or in landscape; styles go round."""
    pairs = [(concept, theme) for concept in CONCEPTS for theme in THEMES]
    shift = list(SHAPES).index(shape)
    full = [
        Recipe(concept, theme, STYLE_NAMES[(i + shift) % len(STYLE_NAMES)], size=SHAPES[shape])
        for i, (concept, theme) in enumerate(pairs)
    ]
    return full if few is None else full[:: max(1, len(full) // few)][:few]


def autoencoder_extras(few: int | None = None) -> list[Recipe]:
    """Looks that only the autoencoder sees, so that a LoRA can be taught them later."""
    themes = list(THEMES)
    shown = [
        Recipe(concept, themes[(i + 5 * j) % len(themes)], look=look)
        for i, concept in enumerate(CONCEPTS)
        for look in LOOKS
        for j in range(4)
    ]
    return shown if few is None else shown[:few]


def labels(cards: list[Recipe]) -> list[Label]:
    """The names that prompts are made from."""
    return [Label(card.concept.name, card.theme, card.style) for card in cards]


def render(cards: list[Recipe], target: Path, processes: int = 2) -> None:
    """Pictures [n, h, w, 3] of one size to `target`, unless an earlier run drew them."""
    _keep(draw_card, cards, target, processes)


def mark_telling(cards: list[Recipe], target: Path, processes: int = 2) -> None:
    """Which cells [n, h / 8, w / 8] of the cards' latents tell them apart to `target`, unless an earlier run did."""
    _keep(telling_cells, cards, target, processes)


def telling_cells(card: Recipe) -> NDArray[np.bool_]:
    """Which cells [h / 8, w / 8] of the card's latent hold what tells it from others."""
    pixels = telling(card)
    h, w = pixels.shape
    held: NDArray[np.bool_] = np.any(pixels.reshape(h // CELL, CELL, w // CELL, CELL), axis=(1, 3))
    return held


def _keep(make: Callable[[Recipe], NDArray[Any]], cards: list[Recipe], target: Path, processes: int) -> None:
    if target.exists():
        return
    with ProcessPoolExecutor(processes) as pool:
        made = np.stack(list(pool.map(make, cards, chunksize=64)))
    unfinished = target.with_suffix(".part.npy")
    np.save(unfinished, made)
    unfinished.rename(target)


def batches(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Endless shuffled passes over `count` pictures, `size` indices at a time, fewer when there are fewer."""
    size = min(size, count)
    while True:
        order = rng.permutation(count)
        yield from (order[i : i + size] for i in range(0, count - size + 1, size))
