"""What the doctor says of the terminal."""

from __future__ import annotations

from imagineer_tui.terminal.checks import WAYS, checks_of
from imagineer_tui.terminal.detection import UNASKED, conclude
from imagineer_tui.terminal.images import SHOWN, choose
from imagineer_tui.terminal.replies import Replies


def test_it_names_the_terminal_and_how_everything_is_known() -> None:
    terminal = conclude({"TERM": "xterm-256color"}, Replies(fenced=True, name="foot(1.19.0)", sixel=True), None, 0.012)
    said, kitty, *_, images = checks_of(terminal, choose("auto", terminal))
    assert said.message == "foot(1.19.0). The terminal answered in 12 ms."
    assert (kitty.name, kitty.message) == ("kitty", "No answer to the graphics question.")
    assert images.message == (
        "Pictures are shown as Sixels, small ones in half blocks: foot(1.19.0) answered that it shows Sixel pictures."
    )


def test_no_terminal_is_wrong() -> None:
    assert {check.level for check in checks_of(UNASKED, choose("auto", UNASKED))} == {"ok"}


def test_every_way_has_words() -> None:
    assert tuple(WAYS) == SHOWN
