"""Where the cursor of a list goes."""

from __future__ import annotations

import pytest

from imagineer_tui.widgets.row_places import back, near, on

PLACES = ((1, "now:a"), (2, "job:1"), (3, "job:2"), (6, "done:b"))
"""Lines 0, 4 and 5 are headings."""


@pytest.mark.parametrize(("line", "by", "there"), [(1, 1, 2), (3, 1, 6), (6, -1, 3), (6, 1, None), (1, -1, None)])
def test_a_step_goes_over_headings_and_not_beyond_the_ends(line: int, by: int, there: int | None):
    assert on(PLACES, line, by) == there


@pytest.mark.parametrize(("line", "by", "there"), [(4, 1, 6), (5, -1, 3), (-9, -1, 1), (99, 1, 6), (2, 1, 2)])
def test_a_leap_ends_on_a_line_that_is_no_heading(line: int, by: int, there: int):
    assert near(PLACES, line, by) == there


def test_the_cursor_stays_on_its_row_or_goes_to_the_nearest_one_of_its_kind():
    assert back(PLACES, "job:2", 1) == 3
    assert back(PLACES, "job:9", 6) == 3
    assert back(PLACES, "held:c", 5) == 6


def test_where_there_are_only_headings_there_is_nowhere_to_go():
    assert on((), 0, 1) is None
    assert near((), 0, 1) is None
    assert back((), "job:1", 3) == 0
