"""What is typed, as the terminal sends it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from textual.events import Key, Paste
from textual.message import Message

from imagineer_tui.terminal.escapes import Parser

WAITED = ""
"""In the place of a packet: nothing comes for a while."""


def keys(*packets: str) -> list[str]:
    """The keys of what comes packet by packet, and of what is waited for no longer then."""
    parser, found = Parser(), []
    for data in packets:
        found += list(parser.feed(data) if data != WAITED else waited(parser))
    return [event.key for event in (*found, *waited(parser)) if isinstance(event, Key)]


def waited(parser: Parser) -> Iterable[Message]:
    """What a parser gives when what it waits for has not come in time."""
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
    return parser.tick()


@pytest.mark.parametrize(
    ("packets", "typed"),
    [
        (("\x1b4",), ["escape", "4"]),
        (("\x1b\r",), ["escape", "enter"]),
        (("\x1b/ab",), ["escape", "slash", "a", "b"]),
        (("j\x1bG\x1b[B",), ["j", "escape", "G", "down"]),
        (("\x1b", "4"), ["escape", "4"]),
        (("\x1b", "\x1b/"), ["escape", "escape", "slash"]),
        (("j\x1b", "k"), ["j", "escape", "k"]),
    ],
)
def test_escape_and_what_comes_with_it_are_two_keys(packets: tuple[str, ...], typed: list[str]):
    assert keys(*packets) == typed


@pytest.mark.parametrize(
    ("packets", "typed"),
    [
        (("\x1b",), ["escape"]),
        (("\x1b", WAITED, "g", "4"), ["escape", "g", "4"]),
        (("\x1b", WAITED, "\x1b", WAITED, WAITED, "\x1b[A"), ["escape", "escape", "up"]),
        (("\x1b[A",), ["up"]),
        (("\x1b", "[A"), ["up"]),
        (("\x1b\x1b[A",), ["escape", "up"]),
        (("\x1bOP",), ["f1"]),
        (("\x1b\x7f",), ["ctrl+w"]),  # alt and backspace: a word less
        (("\x1bb",), ["ctrl+left"]),  # alt and left
    ],
)
def test_sequences_are_read_as_ever(packets: tuple[str, ...], typed: list[str]):
    assert keys(*packets) == typed


def test_what_is_pasted_is_left_alone():
    (event,) = Parser().feed("\x1b[200~gold\nink\x1b[201~")
    assert isinstance(event, Paste)
    assert event.text == "gold\nink"
