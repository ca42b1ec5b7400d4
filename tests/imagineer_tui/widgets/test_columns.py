"""Cells in columns."""

from __future__ import annotations

from textual.content import Content

from imagineer_tui.widgets.columns import Column, joined

WIDE, COUNT, NOTE = Column(), Column(width=5, right=True), Column(width=4)


def test_the_column_without_a_width_takes_what_is_left():
    assert joined((WIDE, COUNT, NOTE), ("Zodiac", "9/12", "new"), "▸ ", 24).plain == "▸ Zodiac      9/12 new  "


def test_what_is_too_long_ends_in_an_ellipsis():
    assert joined((WIDE, COUNT), (Content.styled("Playing cards", "b"), "54/54"), "  ", 16).plain == "  Playing…54/54 "


def test_where_nothing_is_left_the_others_keep_their_places():
    assert joined((WIDE, COUNT), ("Zodiac", "12"), "  ", 6).plain.endswith("   12 ")
