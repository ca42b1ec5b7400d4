"""Where the command line writes, and how."""

from __future__ import annotations

import io
import os
import pty

from imagineer_tui.output import wrapped

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
