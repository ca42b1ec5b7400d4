"""The lenient judge: shapes in, names out."""

import numpy as np
import torch

from imagineerd.starter.concepts import CONCEPTS, SUITS
from imagineerd.starter.judging.questions import BY_NAME
from imagineerd.starter.judging.reader import Reader, Readers, SuitReader, read
from imagineerd.starter.network import HEIGHT, WIDTH
from imagineerd.starter.vocabulary import THEMES


def test_a_picture_becomes_logits_of_every_question() -> None:
    concept, theme, rank = Reader().eval()(torch.zeros(2, 3, HEIGHT, WIDTH))
    assert (concept.shape, theme.shape, rank.shape) == ((2, 88), (2, 17), (2, 13))
    assert SuitReader().eval()(torch.zeros(2, 3, HEIGHT, WIDTH)).shape == (2, 4)


def test_the_likeliest_names_are_read() -> None:
    reader = Reader().eval()
    torch.nn.init.zeros_(reader.concept.weight)
    torch.nn.init.zeros_(reader.theme.weight)
    reader.concept.bias.data[:], reader.theme.bias.data[:] = torch.arange(88.0), -torch.arange(17.0)
    (reading,) = read(Readers(reader, SuitReader().eval()), np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))
    assert (reading.concept, reading.theme) == (CONCEPTS[-1], next(iter(THEMES)))


def test_the_suit_is_what_its_own_reader_says() -> None:
    reader, suits = Reader().eval(), SuitReader().eval()
    for layer in (reader.concept, suits.suit):
        torch.nn.init.zeros_(layer.weight)
    reader.concept.bias.data[:] = torch.arange(88) == CONCEPTS.index(BY_NAME["Nine of Spades"])
    suits.load_state_dict({**suits.state_dict(), "suit.bias": torch.tensor([suit == "Clubs" for suit in SUITS])})
    (reading,) = read(Readers(reader, suits), np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))
    assert reading.concept.name == "Nine of Clubs"
