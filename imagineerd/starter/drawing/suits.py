"""The four suit shapes, about two radii wide and high."""

from itertools import pairwise

import numpy as np

from imagineerd.starter.drawing.canvas import Canvas, Colour, Point, Points, arc, curve

Outline = list[Points]


def _heart() -> Outline:
    right = np.concatenate([
        curve((0, -0.55), (0.12, -1.0), (0.95, -1.15), (1.0, -0.38)),
        curve((1.0, -0.38), (1.0, 0.2), (0.3, 0.6), (0, 1.0)),
    ])  # fmt: skip
    return [np.concatenate([right, right[::-1] * (-1, 1)])]


def _diamond() -> Outline:
    corners = [(0, -1.12), (0.78, 0), (0, 1.12), (-0.78, 0), (0, -1.12)]
    sides = [curve(a, ((a[0] + b[0]) * 0.44, (a[1] + b[1]) * 0.44), b) for a, b in pairwise(corners)]
    return [np.concatenate(sides)]


def _stem(top: float) -> Points:
    right = curve((0.1, top), (0.12, 0.8), (0.5, 1.05))
    return np.concatenate([right, right[::-1] * (-1, 1)])


def _spade() -> Outline:
    """Straight sides from a sharp tip to low, wide shoulders: nothing else tells it from a club when small."""
    right = np.concatenate([np.array([(0.0, -1.15)]), np.array([(0.86, 0.0)]), arc((0.52, 0.3), 0.46, -40, 180)])
    return [np.concatenate([right, right[::-1] * (-1, 1)]), _stem(0.2)]


def _club() -> Outline:
    """Three discs that only just meet, and a stem."""
    discs = [arc(centre, 0.46, 0, 360) for centre in ((0.0, -0.58), (-0.56, 0.2), (0.56, 0.2))]
    return [*discs, np.array([(-0.14, -0.3), (0.14, -0.3), (0.2, 0.3), (-0.2, 0.3)]), _stem(0.1)]


SHAPES: dict[str, Outline] = {"Hearts": _heart(), "Diamonds": _diamond(), "Spades": _spade(), "Clubs": _club()}


def draw_suit(canvas: Canvas, suit: str, centre: Point, radius: float, colour: Colour) -> None:
    """One suit mark; a negative radius stands it on its head."""
    for part in SHAPES[suit]:
        canvas.shape(part * (abs(radius), radius) + centre, colour)
