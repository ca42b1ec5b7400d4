"""Cards by number, range and name."""

from __future__ import annotations

import pytest

from imagineer_tui.choosing import choose
from imagineerd.errors import Invalid

NAMES = {1: "Ace of Spades", 2: "Ace of Hearts", 3: "Two of Spades", 4: "Red Joker"}


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["2"], (2,)),
        (["1-3"], (1, 2, 3)),
        (["3", "1 - 2", "3"], (3, 1, 2)),
        (["red joker"], (4,)),
        (["Ace of S", "two"], (1, 3)),
        ([], ()),
    ],
)
def test_words_stand_for_numbers(words: list[str], numbers: tuple[int, ...]) -> None:
    assert choose(words, NAMES) == numbers


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("Ace", '"Ace" may be "Ace of Spades" or "Ace of Hearts".'),
        ("Jokr", 'There is no card "Jokr".'),
        ("0", '"0" is no range of cards from 1 to 4.'),
        ("3-2", '"3-2" is no range of cards from 1 to 4.'),
        ("4-5", '"4-5" is no range of cards from 1 to 4.'),
    ],
)
def test_what_is_no_card_is_told(word: str, problem: str) -> None:
    with pytest.raises(Invalid) as caught:
        choose([word], NAMES)

    assert problem in str(caught.value.problems[0])


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        choose(["9", "Ace", "1"], NAMES)

    assert len(caught.value.problems) == 2


def test_without_names_numbers_are_left_to_the_daemon() -> None:
    assert choose(["900"], {}) == (900,)
