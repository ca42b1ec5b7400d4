"""Escape and a key in one piece."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from textual.events import Key, Paste
from textual.message import Message

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


@pytest.mark.parametrize(
    ("pieces", "typed"),
    [
        (("\x1b", "4"), ["escape", "4"]),
        (("j\x1b", "k"), ["j", "escape", "k"]),
        (("\x1b", "\x1b/"), ["escape", "escape", "slash"]),
        (("j\x1bG\x1b[B",), ["j", "escape", "G", "down"]),
        (("\x1b", "[A"), ["up"]),
    ],
)
def test_it_makes_no_difference_where_a_line_tears_what_was_typed(pieces: tuple[str, ...], typed: list[str]):
    assert keys(*pieces) == typed


def test_an_escape_that_was_waited_for_in_vain_is_not_waited_for_again():
    parser = EscapesParser()
    typed = [*parser.feed("\x1b"), *waited(parser), *parser.feed("g4"), *waited(parser), *parser.feed("\x1b[A")]

    assert [event.key for event in typed if isinstance(event, Key)] == ["escape", "g", "4", "up"]


def waited(parser: EscapesParser) -> Iterable[Message]:
    """Return what a parser gives when what it waits for has not come in time."""
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
    return parser.tick()


def test_alt_with_an_arrow_or_backspace_is_what_terminals_send_for_a_word():
    assert keys("\x1bb", "\x1bf", "\x1b\x7f") == ["ctrl+left", "ctrl+right", "ctrl+w"]


def test_what_is_pasted_is_left_alone():
    (event,) = EscapesParser().feed("\x1b[200~gold\nink\x1b[201~")

    assert isinstance(event, Paste)
    assert event.text == "gold\nink"


def test_the_keys_that_terminals_send_as_sequences_are_what_they_were():
    assert keys("\x1b[A", "\x1bOP", "\x1b[1;2C", "\x1b") == ["up", "f1", "shift+right", "escape"]


def test_half_of_a_late_reply_is_no_escape():
    assert "escape" not in keys("\x1b[?6")


def test_the_driver_reads_with_it():
    assert Driver.run_input_thread.__globals__["XTermParser"] is EscapesParser
