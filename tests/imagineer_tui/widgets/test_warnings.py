"""What is doubtful, as it is written above what will be drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagineer_tui.widgets.warnings import MOST_LINES, warning

LONG = "The starter model knows neither " + ", ".join(f"word{number}" for number in range(60)) + "."


def test_a_short_warning_is_whole():
    assert warning("Seed 7 was dealt before.", 40).plain == "! Seed 7 was dealt before."


def test_a_long_warning_says_that_it_goes_on():
    assert warning(LONG, 40).plain.endswith(" …")


@given(st.integers(4, 200))
def test_a_warning_takes_two_lines_at_most_in_any_width(width: int):
    lines = warning(LONG, width).plain.split("\n")
    assert len(lines) == MOST_LINES
    assert all(len(line) <= width for line in lines)


def test_where_the_width_is_not_known_yet_it_is_whole():
    assert warning(LONG).plain == f"! {LONG}"
