"""Measures drawn cards against the training drawings: `python -m imagineerd.starter.judge FOLDER`.

A card is read as the concept whose drawing, in the asked theme and style, it correlates with best; its theme as the one
whose drawing of the asked concept is nearest in colour. Stricter than an eye on shapes, blind to beauty.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagineerd.starter.concepts import CONCEPTS, Concept
from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.pictures import Label
from imagineerd.starter.sheet import KINDS, Shot, fixed_shots, open_pipeline, sample
from imagineerd.starter.train_autoencoder import INDEX
from imagineerd.starter.vocabulary import THEMES

Pixels = NDArray[np.float32]
BY_NAME = {concept.name: concept for concept in CONCEPTS}


@cache
def _drawing(concept: str, theme: str, style: str) -> Pixels:
    return draw_card(Recipe(BY_NAME[concept], theme, style)).astype(np.float32)


def _likeness(a: Pixels, b: Pixels) -> float:
    """Correlation of two pictures, colours included, -1..1."""
    a, b = a - a.mean(axis=(0, 1)), b - b.mean(axis=(0, 1))
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6))


def read_concept(picture: Pixels, label: Label) -> Concept:
    """The concept that the whole picture looks most like."""
    return max(CONCEPTS, key=lambda c: _likeness(picture, _drawing(c.name, label.theme, label.style)))


def read_theme(picture: Pixels, label: Label) -> str:
    """The theme whose colours are nearest."""
    return min(THEMES, key=lambda theme: float(np.abs(picture - _drawing(label.concept, theme, label.style)).mean()))


def read_corner(picture: Pixels, label: Label) -> str:
    """The rank whose corner index, in the same suit, the corner looks most like."""
    suit = BY_NAME[label.concept].suit
    same = [c for c in CONCEPTS if c.suit == suit and c.kind in ("pip", "court")]
    corner = picture[INDEX]
    best = max(same, key=lambda c: _likeness(corner, _drawing(c.name, label.theme, label.style)[INDEX]))
    return best.rank


def verdicts(image: Image.Image, label: Label) -> Iterable[tuple[str, bool]]:
    """Each question that the asked card raises, with whether the picture answers it right."""
    picture, asked = np.asarray(image, np.float32), BY_NAME[label.concept]
    read = read_concept(picture, label)
    yield "theme", read_theme(picture, label) == label.theme
    yield f"{asked.kind} exact", read == asked
    if asked.kind in ("pip", "court"):
        yield "suit", read.suit == asked.suit
        yield "red or black", read.red == asked.red
        yield "pips or court rank", read.rank == asked.rank
        yield "corner rank", read_corner(picture, label) == asked.rank


def tally(images: list[Image.Image], shots: list[Shot]) -> dict[str, tuple[int, int]]:
    """Question -> (right, asked)."""
    answers: dict[str, list[bool]] = defaultdict(list)
    for image, shot in zip(images, shots, strict=True):
        for question, right in verdicts(image, shot.label):
            answers[question].append(right)
    return {question: (sum(found), len(found)) for question, found in answers.items()}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cards", choices=KINDS, default="all")
    given = parser.parse_args()
    shots = fixed_shots(given.cards, None)
    images = sample(open_pipeline(given.model), shots, steps=20, guidance=3.0)
    for question, (right, asked) in tally(images, shots).items():
        sys.stdout.write(f"{question:20} {right:3} of {asked}\n")


if __name__ == "__main__":
    main()
