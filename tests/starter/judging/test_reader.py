"""The lenient judge: shapes in, names out."""

import numpy as np
import torch

from imagineerd.starter.concepts import CONCEPTS
from imagineerd.starter.judging.reader import Reader, read
from imagineerd.starter.network import HEIGHT, WIDTH
from imagineerd.starter.vocabulary import THEMES


def test_a_picture_becomes_logits_of_every_question() -> None:
    concept, theme, rank = Reader().eval()(torch.zeros(2, 3, HEIGHT, WIDTH))
    assert (concept.shape, theme.shape, rank.shape) == ((2, 88), (2, 17), (2, 13))


def test_the_likeliest_names_are_read() -> None:
    reader = Reader().eval()
    torch.nn.init.zeros_(reader.concept.weight)
    torch.nn.init.zeros_(reader.theme.weight)
    reader.concept.bias.data[:], reader.theme.bias.data[:] = torch.arange(88.0), -torch.arange(17.0)
    (reading,) = read(reader, np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))
    assert (reading.concept, reading.theme) == (CONCEPTS[-1], next(iter(THEMES)))
