from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.naming import batch_id, slug_of, stem_of, thumbnail_of


def test_a_card_is_named_by_its_place_and_its_name():
    assert stem_of(3, "Three of Hearts") == "03_three_of_hearts"


def test_a_batch_is_named_by_its_set_and_its_time():
    assert batch_id("zodiac", "20261122_121503") == "zodiac_20261122_121503"


def test_a_single_prompt_has_a_batch_too():
    assert batch_id("", "20261122_121503").startswith("single_")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", ".", "a/b\\c", "nul\0byte", "\u202egnp.exe"])
def test_a_hostile_name_cannot_leave_its_folder(name):
    stem = stem_of(1, name)

    assert PurePosixPath(stem).name == stem
    assert ".." not in stem


@given(st.text(max_size=300))
def test_any_name_makes_one_short_printable_word(name):
    slug = slug_of(name)

    assert slug
    assert len(slug.encode()) <= 80
    assert slug.isprintable()
    assert not set(slug) & set("/\\.\0 \n")


def test_a_thumbnail_stands_in_a_hidden_folder_beside_its_picture():
    assert thumbnail_of("03_three_of_hearts.png") == ".thumbs/03_three_of_hearts.jpg"
