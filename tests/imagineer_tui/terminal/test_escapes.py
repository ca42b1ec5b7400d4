"""Escape and a key in one piece."""

from __future__ import annotations

import pytest
from textual.events import Key

from imagineer_tui.terminal.driver import Driver
from imagineer_tui.terminal.escapes import EscapesParser


def keys(*pieces: str) -> list[str]:
    """Return the keys that a terminal's pieces are read as; the empty one at the end is its end."""
    parser = EscapesParser()
    events = [event for piece in (*pieces, "") for event in parser.feed(piece)]
    return [event.key for event in events if isinstance(event, Key)]


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ("\x1b3", ["escape", "3"]),
        ("\x1b0", ["escape", "0"]),
        ("\x1bq", ["escape", "q"]),
        ("\x1bG", ["escape", "G"]),
        ("\x1b:", ["escape", "colon"]),
        ("\x1b?", ["escape", "question_mark"]),
        ("\x1b\r", ["escape", "enter"]),
        ("\x1bjk3", ["escape", "j", "k", "3"]),
        ("\x1b\x1b", ["escape", "escape"]),
    ],
)
def test_they_are_two_keys(sent: str, typed: list[str]):
    assert keys(sent) == typed


def test_the_keys_that_terminals_send_as_sequences_are_what_they_were():
    assert keys("\x1b[A", "\x1bOP", "\x1b[1;2C", "\x1b") == ["up", "f1", "shift+right", "escape"]


def test_half_of_a_late_reply_is_no_escape():
    assert "escape" not in keys("\x1b[?6")


def test_the_driver_reads_with_it():
    assert Driver.run_input_thread.__globals__["XTermParser"] is EscapesParser
