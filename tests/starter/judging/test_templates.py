"""The strict judge reads drawings right, also when they are moved a little, and tells a wrong card."""

import numpy as np
import pytest

from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.judging.questions import BY_NAME
from imagineerd.starter.judging.templates import likeness, read
from imagineerd.starter.pictures import Label


@pytest.mark.parametrize("name", ["Nine of Clubs", "King of Spades", "The Tower", "Virgo"])
def test_a_drawing_with_another_seed_is_read_as_itself(name: str) -> None:
    picture = draw_card(Recipe(BY_NAME[name], "ocean", seed=9))
    (reading,) = read(picture[None], [Label(name, "ocean", "")])
    assert (reading.concept.name, reading.theme, reading.corner) == (name, "ocean", BY_NAME[name].rank)


def test_a_wrong_card_is_told() -> None:
    picture = draw_card(Recipe(BY_NAME["Nine of Clubs"], "ocean"))
    (reading,) = read(picture[None], [Label("Eight of Clubs", "ocean", "")])
    assert reading.concept.name == "Nine of Clubs"
    assert reading.corner == "Nine"


def test_likeness_is_one_for_equal_pictures_and_minus_one_for_the_negative() -> None:
    picture = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    assert likeness(picture, 2 * picture + 3) == pytest.approx(1, abs=1e-3)
    assert likeness(picture, -picture) == pytest.approx(-1, abs=1e-3)
