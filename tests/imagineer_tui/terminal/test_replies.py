"""What terminals answer, read from their bytes."""

from __future__ import annotations

import pytest
from pseudo_terminal import FOOT, KITTY, TMUX, XTERM

from imagineer_tui.terminal.replies import FENCE, is_complete, questions, read_replies


def test_the_fence_is_asked_last() -> None:
    assert questions(strings=True).endswith(FENCE)


def test_a_terminal_that_prints_what_it_does_not_know_is_asked_in_control_sequences_alone() -> None:
    assert b"\x1b_G" not in questions(strings=False)
    assert b"\x1bP" not in questions(strings=False)


def test_kitty_says_all_there_is() -> None:
    said = read_replies(b"".join(KITTY.values()))
    assert (said.kitty, said.name, said.cell, said.background) == ("OK", "kitty(0.42.1)", (10, 20), (30, 30, 46))
    assert said.truecolor
    assert not said.sixel


def test_sixel_is_an_attribute_of_its_own() -> None:
    assert read_replies(FOOT[FENCE]).sixel
    assert not read_replies(b"\x1b[?64;14;24c").sixel
    assert not read_replies(b"\x1b[?4;22c").sixel  # the first number is the terminal's level


def test_xterm_says_how_large_a_picture_may_be() -> None:
    said = read_replies(b"".join(XTERM.values()))
    assert (said.sixel, said.sixel_size, said.cell, said.name) == (True, (1000, 1000), (8, 15), "XTerm(379)")
    assert read_replies(b"\x1b[?2;3;0S").sixel_size is None  # it failed


def test_what_is_not_answered_stays_unknown() -> None:
    said = read_replies(TMUX[FENCE])
    assert said.fenced
    assert (said.kitty, said.name, said.cell, said.background, said.truecolor) == (None, None, None, None, False)


def test_nothing_is_complete_before_the_fence() -> None:
    assert not is_complete(KITTY[FENCE][:-1])
    assert is_complete(b"".join(KITTY.values()))


def test_keys_typed_between_replies_are_skipped() -> None:
    assert read_replies(b"j\x1b[6;20;10tk\x1b[?62;4cq").cell == (10, 20)


def test_a_cell_without_a_size_is_none() -> None:
    assert read_replies(b"\x1b[6;0;0t").cell is None


@pytest.mark.parametrize("answer", [b"48:2:1:2:3", b"48:2::1:2:3", b"0;48;2;1;2;3", b"48:2:1:1:2:3"])
def test_a_colour_is_repeated_in_any_notation(answer: bytes) -> None:
    assert read_replies(b"\x1bP1$r" + answer + b"m\x1b\\").truecolor


def test_a_rounded_colour_is_no_true_colour() -> None:
    assert not read_replies(b"\x1bP1$r48;5;16m\x1b\\").truecolor
