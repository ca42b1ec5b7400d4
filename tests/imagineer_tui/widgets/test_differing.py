"""What of a line is sent again is all that differs, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from imagineer_tui.widgets.differing import differing

RED = Style(color="red")


def line(*parts: str | Segment) -> Strip:
    return Strip([part if isinstance(part, Segment) else Segment(part) for part in parts])


def test_equal_lines_need_nothing() -> None:
    assert differing(line("Aries  step 3"), line("Aries  ", "step 3")) == (0, 0)


def test_a_number_that_counts_up_is_one_cell() -> None:
    assert differing(line("Aries  step 3/20"), line("Aries  step 4/20")) == (12, 13)


def test_another_colour_is_a_difference() -> None:
    assert differing(line("Aries ", "now"), line("Aries ", Segment("now", RED))) == (6, 9)


def test_a_wide_character_counts_both_of_its_cells() -> None:
    assert differing(line("双子座 3"), line("双魚座 3")) == (2, 4)


def test_a_longer_line_differs_to_its_end() -> None:
    assert differing(line("Leo"), line("Leo done")) == (3, 8)


@given(st.text("ab双", max_size=9), st.text("ab双", max_size=9))
def test_outside_the_span_both_lines_are_the_same(old: str, new: str) -> None:
    a, b = line(old), line(new)
    first, end = differing(a, b)
    assert a.crop(0, first).text == b.crop(0, first).text
    assert a.crop(end).text == b.crop(end).text
