"""The suit is told where the drawings of the suits differ, wherever the figure stands."""

import numpy as np
import pytest

from imagineerd.starter.concepts import SUITS
from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.judging.questions import BY_NAME
from imagineerd.starter.judging.suits import nearest


def drawing(rank: str, suit: str, seed: int | None = None) -> np.ndarray:
    return draw_card(Recipe(BY_NAME[f"{rank} of {suit}"], "parchment", seed=seed)).astype(np.float32)


@pytest.mark.parametrize("suit", SUITS)
@pytest.mark.parametrize("rank", ["Ten", "King"])
def test_a_suit_is_told_on_drawings_with_other_seeds(rank: str, suit: str) -> None:
    drawn = {other: drawing(rank, other) for other in SUITS}
    assert [nearest(drawing(rank, suit, seed), drawn) for seed in (3, 4)] == [suit, suit]


def test_the_corner_has_no_say() -> None:
    picture = drawing("Five", "Spades")
    club = drawing("Five", "Clubs")
    picture[:50, :34] = club[:50, :34]
    assert nearest(picture, {"Spades": drawing("Five", "Spades"), "Clubs": club}) == "Spades"
