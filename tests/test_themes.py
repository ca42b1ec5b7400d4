"""A theme is a sentence's worth of one palette, the same for the same seed, and there are thousands."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.themes import FAMILIES, random_theme, themes

NAMES = [
    "night sky",
    "gold on black",
    "gothic",
    "watercolour",
    "neon",
    "art nouveau",
    "parchment",
    "royal purple",
    "emerald forest",
    "sunset",
    "ice",
    "crimson",
    "pastel",
    "ocean",
    "cherry blossom",
    "steampunk copper",
]
EVERY = [family.theme(number) for family in FAMILIES for number in range(family.size())]


def test_the_families_are_those_the_starter_model_knows() -> None:
    assert [family.name for family in FAMILIES] == NAMES


def test_every_theme_of_a_family_begins_with_the_familys_words() -> None:
    for family in FAMILIES:
        for number in range(family.size()):
            assert family.name in family.theme(number).partition(" with ")[0]


def test_no_theme_speaks_of_another_familys_palette() -> None:
    for family in FAMILIES:
        others = [name for name in NAMES if name != family.name]
        words = " ".join((*family.scenes, *family.motifs, *family.lights, *family.hands))

        assert [name for name in others if re.search(rf"\b{name}\b", words)] == []


def test_there_are_thousands_of_themes_and_all_differ() -> None:
    assert len(EVERY) > 5000
    assert len(set(EVERY)) == len(EVERY)


def test_every_theme_is_at_most_twelve_plain_words_in_one_shape() -> None:
    for theme in EVERY:
        assert len(theme.split()) <= 12, theme
        assert re.fullmatch(r"[a-z ]+ with [a-z ]+ and [a-z ]+(, [a-z]+ [a-z]+)?", theme), theme
        assert "  " not in theme


def test_an_article_fits_the_word_after_it() -> None:
    assert [theme for theme in EVERY if re.search(r"\ba [aeiou]|\ban [^aeiou]|\ba (\w+ )?\w+s\b(?<!ss)", theme)] == []


@given(st.integers(0, 2**63 - 1))
def test_a_seed_means_one_theme(seed: int) -> None:
    assert random_theme(seed) == random_theme(seed)
    assert random_theme(seed) in EVERY


def test_without_a_seed_themes_vary() -> None:
    assert len({random_theme() for _ in range(40)}) > 20


@given(st.integers(0, 400), st.integers(0, 1000))
def test_themes_asked_for_together_all_differ(count: int, seed: int) -> None:
    some = themes(count, seed)

    assert len(some) == len(set(some)) == count


def test_sixteen_themes_are_one_of_each_family() -> None:
    beginnings = [theme.partition(" with ")[0] for theme in themes(16, seed=1)]

    assert sorted(name for text in beginnings for name in NAMES if name in text) == sorted(NAMES)


@pytest.mark.parametrize("count", [-1, 4609])
def test_a_count_that_cannot_be_met_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="0 to 4608 different themes"):
        themes(count, seed=1)
