"""The training cards: every one can be drawn, and the same recipe draws the same pixels."""

import numpy as np
import pytest

from imagineerd.starter.concepts import CONCEPTS, Concept
from imagineerd.starter.drawing.canvas import FINENESS, H, W
from imagineerd.starter.drawing.card import RIVALS, Recipe, draw_card, telling
from imagineerd.starter.drawing.looks import LOOKS
from imagineerd.starter.drawing.palettes import PALETTES
from imagineerd.starter.drawing.pips import LAYOUTS, PIP_RADIUS
from imagineerd.starter.network import HEIGHT, WIDTH
from imagineerd.starter.pictures import SHAPES, STYLE_NAMES, autoencoder_extras, recipes, reshaped, telling_cells
from imagineerd.starter.vocabulary import THEMES


def test_there_are_88_concepts_with_different_names() -> None:
    assert len(CONCEPTS) == len({concept.name for concept in CONCEPTS}) == 88


def test_drawing_and_network_agree_on_the_size() -> None:
    assert draw_card(Recipe(CONCEPTS[0], "classic")).shape == (HEIGHT, WIDTH, 3)
    assert (W, H) == (FINENESS * WIDTH, FINENESS * HEIGHT)


@pytest.mark.parametrize(("shape", "size"), SHAPES.items())
def test_a_card_of_any_shape_has_its_figure_in_the_middle(shape: str, size: tuple[int, int]) -> None:
    card = draw_card(Recipe(CONCEPTS[0], "classic", seed=None, size=size))
    middle = card[size[1] // 2 - 8 : size[1] // 2 + 8, size[0] // 2 - 8 : size[0] // 2 + 8]
    assert card.shape == (size[1], size[0], 3), shape
    assert np.abs(middle.mean(axis=(0, 1)) - PALETTES["classic"].red).max() < 25


def test_the_same_recipe_draws_the_same_pixels() -> None:
    recipe = Recipe(CONCEPTS[30], "night sky", "painted", seed=3)
    assert np.array_equal(draw_card(recipe), draw_card(recipe))


def test_another_seed_draws_another_sky() -> None:
    first, second = (draw_card(Recipe(CONCEPTS[30], "night sky", seed=seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_seeds_move_the_colours_of_the_paper_but_not_of_the_suits() -> None:
    cards = [Recipe(CONCEPTS[0], "ocean", seed=seed) for seed in range(6)]
    assert len({card.palette.top for card in cards}) == 6
    assert {card.palette.red for card in cards} == {PALETTES["ocean"].red}


def test_without_a_seed_a_card_is_plain() -> None:
    assert Recipe(CONCEPTS[0], "ocean", seed=None).palette == PALETTES["ocean"]


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_changes_every_card_and_keeps_what_is_on_it(look: str) -> None:
    cards = {draw_card(Recipe(concept, "sunset", look=look)).tobytes() for concept in CONCEPTS}
    plain = draw_card(Recipe(CONCEPTS[4], "sunset")).astype(float)
    looked = draw_card(Recipe(CONCEPTS[4], "sunset", look=look)).astype(float)
    assert len(cards) == 88
    assert np.abs(plain - looked).mean() > 20


def test_every_concept_draws_a_figure() -> None:
    cards = [draw_card(Recipe(concept, "classic")) for concept in CONCEPTS]
    assert all(card.std() > 8 for card in cards)
    assert len({card.tobytes() for card in cards}) == 88


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_draws_in_every_style(theme: str) -> None:
    cards = {draw_card(Recipe(CONCEPTS[7], theme, style)).tobytes() for style in STYLE_NAMES}
    assert len(cards) == len(STYLE_NAMES)


@pytest.mark.parametrize("count", LAYOUTS)
def test_pips_are_as_many_as_the_rank_and_do_not_touch(count: int) -> None:
    spots = np.array(LAYOUTS[count])
    distances = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1)) + 1000 * np.eye(count)
    assert len(spots) == count
    assert distances.min() > 2 * PIP_RADIUS


@pytest.mark.parametrize("theme", PALETTES)
def test_suit_colours_stand_apart_from_paper_and_each_other(theme: str) -> None:
    palette = PALETTES[theme]
    pairs = ((palette.red, palette.black), (palette.red, palette.ground), (palette.black, palette.ground))
    assert min(np.abs(np.subtract(a, b)).sum() for a, b in pairs) > 100


def test_a_short_list_of_recipes_is_spread_over_the_concepts() -> None:
    assert len({recipe.concept.name for recipe in recipes(40)}) > 30
    assert len(autoencoder_extras(3)) == 3
    assert len({recipe.theme for recipe in reshaped("square", 40)}) > 10


def _named(name: str) -> Concept:
    return next(concept for concept in CONCEPTS if concept.name == name)


def _recipe(name: str) -> Recipe:
    return Recipe(_named(name), "gothic", seed=5)


def test_what_tells_a_card_with_a_suit_are_its_marks_and_its_corners() -> None:
    where = telling(_recipe("Two of Spades"))
    assert where.shape == (HEIGHT, WIDTH)
    assert where[:45, :30].any()
    assert where[-45:, -30:].any()
    assert where[30:45, 52:76].any()  # the upper mark
    assert not where[60:120, 40:88].any()  # nothing stands in the middle


def test_a_card_and_its_rival_are_told_apart_at_the_same_places_of_their_figures() -> None:
    spade, club = (Recipe(_named(f"Ten of {suit}"), "ice", seed=None) for suit in ("Spades", "Clubs"))
    middle = (slice(50, 140), slice(30, 98))
    assert np.array_equal(telling(spade)[middle], telling(club)[middle])
    assert RIVALS["Spades"] == "Clubs"


def test_of_a_court_only_the_emblem_and_the_corners_tell() -> None:
    assert 0 < telling(_recipe("Queen of Clubs")).mean() < 0.15


@pytest.mark.parametrize("name", ["The Fool", "Red Joker", "Aries"])
def test_a_card_without_a_suit_has_no_rival(name: str) -> None:
    assert not telling(_recipe(name)).any()


def test_a_cell_tells_when_one_of_its_pixels_does() -> None:
    card = _recipe("Ace of Clubs")
    cells, pixels = telling_cells(card), telling(card)
    assert cells.shape == (HEIGHT // 8, WIDTH // 8)
    assert all(cells[y // 8, x // 8] for y, x in np.argwhere(pixels))
    assert cells.sum() * 64 >= pixels.sum() >= cells.sum()
