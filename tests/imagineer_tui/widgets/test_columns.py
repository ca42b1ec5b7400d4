"""Cells in columns."""

from __future__ import annotations

import pytest
from textual.content import Content

from imagineer_tui.widgets.columns import Column, Titled, joined

WIDE, COUNT, NOTE = Column(), Column(width=5, right=True), Column(width=4)


def test_the_column_without_a_width_takes_what_is_left():
    assert joined((WIDE, COUNT, NOTE), ("Zodiac", "9/12", "new"), "▸ ", 24).plain == "▸ Zodiac      9/12 new  "


def test_what_is_too_long_ends_in_an_ellipsis():
    assert joined((WIDE, COUNT), (Content.styled("Playing cards", "b"), "54/54"), "  ", 16).plain == "  Playing…54/54 "


def test_a_long_name_keeps_a_blank_before_what_begins_behind_it():
    assert joined((WIDE, NOTE), ("Neon_Tubes", "r4"), "▸ ", 17).plain == "▸ Neon_Tub… r4   "
    assert joined((WIDE, NOTE), ("Ink", "r4"), "▸ ", 17).plain == "▸ Ink       r4   "


def test_where_nothing_is_left_the_others_keep_their_places():
    assert joined((WIDE, COUNT), ("Zodiac", "12"), "  ", 6).plain.endswith("   12 ")


@pytest.mark.parametrize(
    ("title", "theme", "width", "shown"),
    [
        ("Zodiac", "night sky", 16, "Zodiac night sky"),
        ("Zodiac", "gold on black", 16, "Zodiac gold on …"),
        ("Tarot, Major Arcana", "gothic", 16, "Tarot, M… gothic"),
        ("Tarot, Major Arcana", "gold on midnight blue", 16, "Tarot, … gold o…"),
        ("Tarot, Major Arcana", "gothic", 40, "Tarot, Major Arcana gothic" + " " * 14),
        ("Tarot, Major Arcana", "", 16, "Tarot, Major Ar…"),
    ],
)
def test_a_long_title_leaves_room_for_the_theme(title: str, theme: str, width: int, shown: str):
    assert joined((WIDE,), (Titled(title, theme),), "", width).plain == shown


def test_a_filter_looks_at_all_of_a_title_and_its_theme():
    assert Titled("Zodiac", "night sky").plain == "Zodiac night sky"


@pytest.mark.parametrize("cell", ["The\nFool\t0", Content("The\nFool\t0"), Titled("The\nFool", "0")])
def test_a_cell_never_leaves_its_line(cell: Content | Titled | str):
    assert joined((WIDE, COUNT), (cell, "1"), "", 20).plain == "The Fool 0        1 "
