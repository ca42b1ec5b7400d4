"""The measuring program reads the training drawings right."""

import pytest
from PIL import Image

from imagineerd.starter.concepts import CONCEPTS
from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.judge import tally, verdicts
from imagineerd.starter.pictures import Label
from imagineerd.starter.sheet import KINDS, Shot, fixed_shots, lay_out

BY_NAME = {concept.name: concept for concept in CONCEPTS}


@pytest.mark.parametrize("name", ["Nine of Clubs", "King of Spades", "The Tower", "Virgo"])
def test_a_drawing_is_read_as_itself(name: str) -> None:
    image = Image.fromarray(draw_card(Recipe(BY_NAME[name], "ocean", seed=9)))
    assert all(right for _, right in verdicts(image, Label(name, "ocean", "")))


def test_a_wrong_card_is_told() -> None:
    image = Image.fromarray(draw_card(Recipe(BY_NAME["Nine of Clubs"], "ocean")))
    told = tally([image], [Shot(Label("Eight of Hearts", "neon", ""), 1)])
    assert told["theme"] == told["suit"] == told["pip exact"] == (0, 1)


@pytest.mark.parametrize("cards", KINDS)
def test_fixed_shots_never_change(cards: str) -> None:
    assert fixed_shots(cards, None) == fixed_shots(cards, None)


def test_a_sheet_has_room_for_every_picture() -> None:
    images = [Image.new("RGB", (96, 144))] * 5
    assert lay_out(images, ["x"] * 5, columns=2).size == (200, 3 * 184)
