"""The lenient judge: two small convolutional networks that read card, theme, corner rank and suit from pixels alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imagineerd.starter.concepts import CONCEPTS, COURT_RANKS, PIP_RANKS, SUITS
from imagineerd.starter.judging.questions import Reading
from imagineerd.starter.train_autoencoder import to_signal
from imagineerd.starter.vocabulary import THEMES

RANKS = (*PIP_RANKS, *COURT_RANKS)
PLACES = {(concept.kind, concept.number, concept.suit): i for i, concept in enumerate(CONCEPTS)}
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


class SuitReader(nn.Module):
    """Pictures [b, 3, 192, 128] in -1..1 of suited cards -> logits of suits [b, 4].

    It looks for the shapes everywhere, as small as they are, and the places where it is surest decide: a network that
    sees the whole card at once does not tell a small spade from a club.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shapes = nn.Sequential(*_block(3, 32), *_block(32, 48), *_block(48, 64, 1), *_block(64, 64, 1))
        self.suit = nn.Conv2d(64, len(SUITS), 1)

    def forward(self, signal: Tensor) -> Tensor:
        """The sum of what all places say."""
        said: Tensor = self.suit(self.shapes(signal))
        return said.flatten(2).logsumexp(dim=2)


@dataclass(frozen=True)
class Readers:
    """Both networks of the judge."""

    cards: Reader
    suits: SuitReader


@torch.no_grad()
def read(readers: Readers, pictures: NDArray[np.uint8], size: int = 64) -> list[Reading]:
    """Pictures [n, 192, 128, 3]."""
    readings: list[Reading] = []
    for i in range(0, len(pictures), size):
        signal = to_signal(pictures[i : i + size])
        best = [logits.argmax(dim=1).tolist() for logits in (*readers.cards(signal), readers.suits(signal))]
        readings += map(_reading, *best)
    return readings


def _reading(concept: int, theme: int, rank: int, suit: int) -> Reading:
    names: Sequence[str] = list(THEMES)
    read = CONCEPTS[concept]
    place = PLACES.get((read.kind, read.number, SUITS[suit]), concept)  # a card without a suit stays as it was read
    return Reading(CONCEPTS[place], names[theme], RANKS[rank])
