"""Foreign text on its way to a terminal."""

from __future__ import annotations

import pytest
from rich import control
from rich.cells import cell_len
from rich.text import Text
from textual import content
from textual.content import Content

from imagineer_tui.printable import guard, one_line, printable

OBEYED = "\x1b[31mred\x07 \x9b1mC1 \x85 \u202eback\u2066\x7f \ud83d"


def test_what_a_terminal_would_obey_is_left_out():
    assert printable(OBEYED) == "[31mred 1mC1  back "


def test_lines_stay_lines_and_words_of_one_line_stay_apart():
    assert printable("a\tb\nc") == "a\tb\nc"
    assert one_line("a\tb\nc\r") == "a b c"


@pytest.mark.parametrize(
    "text",
    [
        "太陽の騎士",
        "نَصّ عربي",
        "e\u0301te\u0301",
        "می\u200cخواهم",
        "[b]The Fool[/]",
        "🔥 🇩🇪",
        "ＷＩＤＥ",
    ],
)
def test_words_of_all_languages_stay_as_they_are(text: str):
    assert one_line(text) == text


@pytest.mark.parametrize("text", ["❤\ufe0f", "✌🏽", "👨\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "1\ufe0f\u20e3"])
def test_a_sign_that_terminals_count_differently_comes_as_its_parts(text: str):
    parts = printable(text)

    assert cell_len(parts) == sum(map(cell_len, parts))


def test_all_texts_of_rich_and_textual_are_printable():
    guard(control)
    guard(content)

    assert Text(OBEYED).plain == Content(OBEYED).plain == printable(OBEYED)
