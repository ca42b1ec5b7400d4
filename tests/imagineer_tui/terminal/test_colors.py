"""How many colours there are, and how that is known."""

from __future__ import annotations

import pytest

from imagineer_tui.terminal.colors import Colors, colors_of
from imagineer_tui.terminal.replies import Replies

NOTHING = Replies()


@pytest.mark.parametrize(
    ("environ", "said", "multiplexer", "colors"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, NOTHING, "", "truecolor"),
        ({"TERM": "xterm-256color"}, Replies(truecolor=True), "", "truecolor"),
        ({"TERM": "xterm-256color"}, Replies(name="VTE(7600)"), "", "truecolor"),
        ({"TERM": "screen-256color"}, NOTHING, "tmux", "truecolor"),
        ({"TERM": "screen-256color"}, NOTHING, "screen", "256"),
        ({"TERM": "xterm-kitty"}, NOTHING, "", "truecolor"),
        ({"TERM": "mlterm"}, NOTHING, "", "truecolor"),
        ({"TERM": "xterm-256color"}, NOTHING, "", "256"),
        ({"TERM": "linux"}, NOTHING, "", "16"),
        ({"TERM": "vt220"}, NOTHING, "", "none"),
        ({}, NOTHING, "", "16"),
    ],
)
def test_the_best_sign_counts(environ: dict[str, str], said: Replies, multiplexer: str, colors: Colors) -> None:
    assert colors_of(environ, said, multiplexer)[0] == colors


def test_the_reason_names_the_sign() -> None:
    assert colors_of({"TERM": "linux"}, NOTHING, "")[1] == "colours: 16, as TERM is linux."
