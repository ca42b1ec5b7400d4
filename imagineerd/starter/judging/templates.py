"""The strict judge: a card is read as the training drawing that it correlates with best.

Compared are the drawings of the asked theme and style, so a lost theme also costs the figure. Blind to beauty.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imagineerd.starter.concepts import CONCEPTS, Concept
from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.judging import suits
from imagineerd.starter.judging.questions import BY_NAME, SUITED, Reading
from imagineerd.starter.pictures import Label
from imagineerd.starter.train_autoencoder import INDEX
from imagineerd.starter.vocabulary import THEMES

Pixels = NDArray[np.float32]  # [h, w, 3], 0..255

CLOSE = 6  # concepts that are compared again with the picture moved about
MOVES = [(dy, dx) for dy in (-2, -1, 0, 1, 2) for dx in (-1, 0, 1)]  # pixels


@cache
def _drawing(concept: str, theme: str, style: str) -> Pixels:
    return draw_card(Recipe(BY_NAME[concept], theme, style, seed=None)).astype(np.float32)


def likeness(a: Pixels, b: Pixels) -> float:
    """Correlation of two pictures, colours included, -1..1."""
    a, b = a - a.mean(axis=(0, 1)), b - b.mean(axis=(0, 1))
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6))


def read_concept(picture: Pixels, label: Label) -> Concept:
    """The concept that the whole picture looks most like, the nearest few with the picture moved by a pixel or two."""
    drawn = {c: _drawing(c.name, label.theme, label.style) for c in CONCEPTS}
    near = sorted(drawn, key=lambda c: likeness(picture, drawn[c]))[-CLOSE:]
    return max(near, key=lambda c: max(likeness(np.roll(picture, move, (0, 1)), drawn[c]) for move in MOVES))


def read_suit(picture: Pixels, label: Label, read: Concept) -> Concept:
    """The card of the read rank in the suit that the figure looks most like; a card without a suit as it was read."""
    if read.kind not in SUITED:
        return read
    mates = {c.suit: c for c in CONCEPTS if (c.kind, c.number) == (read.kind, read.number)}
    drawn = {suit: _drawing(c.name, label.theme, label.style) for suit, c in mates.items()}
    return mates[suits.nearest(picture, drawn)]


def read_theme(picture: Pixels, label: Label) -> str:
    """The theme whose colours are nearest."""
    return min(THEMES, key=lambda theme: float(np.abs(picture - _drawing(label.concept, theme, label.style)).mean()))


def read_corner(picture: Pixels, label: Label) -> str:
    """The rank whose corner index, in the same suit, the corner looks most like; none on a card without a suit."""
    asked = BY_NAME[label.concept]
    if asked.kind not in SUITED:
        return ""
    same = [c for c in CONCEPTS if c.suit == asked.suit and c.kind in SUITED]
    corner = picture[INDEX]
    return max(same, key=lambda c: likeness(corner, _drawing(c.name, label.theme, label.style)[INDEX])).rank


def read(pictures: NDArray[np.uint8], labels: Iterable[Label]) -> list[Reading]:
    """Pictures [n, h, w, 3] of the cards that `labels` ask for."""
    return [_read(picture.astype(np.float32), label) for picture, label in zip(pictures, labels, strict=True)]


def _read(picture: Pixels, label: Label) -> Reading:
    concept = read_suit(picture, label, read_concept(picture, label))
    return Reading(concept, read_theme(picture, label), read_corner(picture, label))
