"""The lenient judge: a small convolutional network that reads card, theme and corner rank from the pixels alone."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imagineerd.starter.concepts import CONCEPTS, COURT_RANKS, PIP_RANKS
from imagineerd.starter.judging.questions import Reading
from imagineerd.starter.train_autoencoder import to_signal
from imagineerd.starter.vocabulary import THEMES

RANKS = (*PIP_RANKS, *COURT_RANKS)
CORNER = (48, 36)  # pixels down and across of the upper left corner


def _block(narrow: int, wide: int, stride: int = 2) -> list[nn.Module]:
    return [nn.Conv2d(narrow, wide, 3, stride, 1, bias=False), nn.GroupNorm(8, wide), nn.SiLU()]


class Reader(nn.Module):
    """Pictures [b, 3, 192, 128] in -1..1 -> logits of concepts [b, 88], themes [b, 17] and corner ranks [b, 13]."""

    def __init__(self) -> None:
        super().__init__()
        trunk = [*_block(3, 24), *_block(24, 48), *_block(48, 96), *_block(96, 128), *_block(128, 128, 1)]
        self.trunk = nn.Sequential(*trunk, nn.AdaptiveAvgPool2d((6, 4)), nn.Flatten(), nn.Dropout(0.2))
        self.concept, self.theme = nn.Linear(3072, len(CONCEPTS)), nn.Linear(3072, len(THEMES))
        crop = [*_block(3, 32, 1), *_block(32, 64), *_block(64, 96), *_block(96, 96)]
        self.corner = nn.Sequential(*crop, nn.Flatten(), nn.Dropout(0.2), nn.Linear(96 * 6 * 5, len(RANKS)))

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Concepts, themes, ranks; ranks mean something on suited cards only."""
        seen = self.trunk(signal)
        return self.concept(seen), self.theme(seen), self.corner(signal[..., : CORNER[0], : CORNER[1]])


@torch.no_grad()
def read(reader: Reader, pictures: NDArray[np.uint8], size: int = 64) -> list[Reading]:
    """Pictures [n, 192, 128, 3]."""
    readings: list[Reading] = []
    for i in range(0, len(pictures), size):
        best = [logits.argmax(dim=1).tolist() for logits in reader(to_signal(pictures[i : i + size]))]
        readings += map(_reading, *best)
    return readings


def _reading(concept: int, theme: int, rank: int) -> Reading:
    names: Sequence[str] = list(THEMES)
    return Reading(CONCEPTS[concept], names[theme], RANKS[rank])
