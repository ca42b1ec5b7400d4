"""The cards that have landed, each at its place."""

from __future__ import annotations

import pytest

from imagineer_tui.widgets.live_panel import fitting, settled
from imagineer_tui.widgets.thumbnail import Thumb


def thumbs(text: str) -> list[Thumb]:
    return [Thumb(letter, f"card {letter}") for letter in text]


@pytest.mark.parametrize(
    ("landed", "before", "room", "shown"),
    [
        ("", "", 4, ""),
        ("ab", "", 4, "ab"),
        ("abc", "ab", 4, "abc"),
        ("abcde", "abcd", 4, "ebcd"),  # `a` landed longest ago
        ("abcdef", "ebcd", 4, "efcd"),
        ("abcdefgh", "efcd", 4, "efgh"),
        ("acd", "abcd", 4, "acd"),  # `b` was deleted
        ("abcdef", "", 4, "cdef"),
        ("abc", "", 1, "c"),
    ],
)
def test_a_card_keeps_its_place_until_another_takes_it(landed: str, before: str, room: int, shown: str):
    assert settled(thumbs(landed), thumbs(before), room) == thumbs(shown)


def test_what_is_noted_of_a_card_is_shown_at_its_place():
    blurred = Thumb("a", "card a", blurred=True)
    assert settled([blurred, *thumbs("b")], thumbs("ab"), 4) == [blurred, *thumbs("b")]


@pytest.mark.parametrize(
    ("name", "width", "told"),
    [
        ("Aries", 20, "Aries · step 3/20"),
        ("Sagittarius", 20, "Sagitta… · step 3/20"),
        ("Sagittarius", 40, "Sagittarius · step 3/20"),
        ("射手座射手座", 20, "射手座 … · step 3/20"),
    ],
)
def test_how_far_a_card_is_can_be_read_beside_a_long_name(name: str, width: int, told: str):
    assert fitting(name, "step 3/20", width) == told
