"""Where the command line writes, and how."""

from __future__ import annotations

import io
import os
import pty

import pytest

from imagineer_tui.output import Output, wrapped

SENTENCE = "The starter model was never taught these words and draws as if they were not there. " * 3


def test_sentences_are_broken_between_words_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        lines = wrapped(SENTENCE, terminal).splitlines()
    os.close(ours)

    assert len(lines) > 1
    assert " ".join(lines) == SENTENCE.strip()


def test_sentences_for_a_program_stay_on_one_line() -> None:
    assert wrapped(SENTENCE, io.StringIO()) == SENTENCE


def test_a_terminal_obeys_nothing_that_stands_in_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        Output().line("Zodiac \x1b[2J“sea”")
        terminal.flush()
        assert os.read(ours, 100).decode() == "Zodiac [2J“sea”\r\n"
    os.close(ours)


def test_a_table_has_nothing_in_it_that_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.text import Text

    Output().console.print(Text("Zodiac \x1b[2J“sea”"), "\x1b[31mred")

    assert "\x1b" not in capsys.readouterr().out


def test_a_program_reads_a_name_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Output().line("Zodiac \x1b[2J")

    assert capsys.readouterr().out == "Zodiac \x1b[2J\n"
