"""Which suit a card shows, once its rank is known: the drawings of the suits are laid over it.

Two suits are compared only where their drawings differ, so that neither paper nor frame nor corner has a say. The
figure of a card stands a little elsewhere and is a little larger on every drawing, so each is tried at all such places.
"""

from collections.abc import Iterator
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagineerd.starter.train_autoencoder import INDEX

Pixels = NDArray[np.float32]  # [h, w, 3], 0..255

SIZES = (0.97, 1.0, 1.03)  # of the plain drawing, as far as variations go
MOVES = tuple(product((-1, 0, 1), (-2, -1, 0, 1, 2)))  # pixels to the right and down
UNLIKE = 40.0  # difference of two pixels, summed over the colours, from which they count as different


def nearest(picture: Pixels, drawn: dict[str, Pixels]) -> str:
    """The suit of `drawn` (suit -> plain drawing of the same card) that wins against each of the others."""
    placed = {suit: list(_places(drawing)) for suit, drawing in drawn.items()}
    return reduce(lambda best, suit: _winner(picture, placed, best, suit), placed)


def _winner(picture: Pixels, placed: dict[str, list[Pixels]], first: str, second: str) -> str:
    pairs = [(a, b, _telling(a, b)) for a, b in zip(placed[first], placed[second], strict=True)]
    best = [max(_likeness(picture[where], pair[side][where]) for *pair, where in pairs) for side in (0, 1)]
    return first if best[0] >= best[1] else second


def _telling(a: Pixels, b: Pixels) -> NDArray[np.bool_]:
    """Where two drawings differ, but for the corners [h, w]."""
    unlike: NDArray[np.bool_] = np.abs(a - b).sum(axis=2) > UNLIKE
    unlike[INDEX] = unlike[::-1, ::-1][INDEX] = False
    return unlike


def _likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Correlation of some pixels [n, 3] of two pictures, -1..1; 0 where there are none."""
    if not len(a):
        return 0.0
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6))


def _places(drawing: Pixels) -> Iterator[Pixels]:
    """The drawing in every size and place that a variation may give its figure."""
    image = Image.fromarray(drawing.astype(np.uint8))
    middle_x, middle_y = image.width / 2, image.height / 2
    for size, (dx, dy) in product(SIZES, MOVES):
        inverse = (1 / size, 0, middle_x - (middle_x + dx) / size, 0, 1 / size, middle_y - (middle_y + dy) / size)
        moved = image.transform(image.size, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR)
        yield np.asarray(moved, np.float32)
