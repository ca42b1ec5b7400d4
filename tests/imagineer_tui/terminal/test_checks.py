"""What the doctor says of the terminal."""

from __future__ import annotations

from imagineer_tui.terminal.checks import WAYS, checks_of
from imagineer_tui.terminal.detection import Terminal, conclude
from imagineer_tui.terminal.images import SHOWN, choose
from imagineer_tui.terminal.replies import Replies


def test_it_names_the_terminal_and_how_everything_is_known() -> None:
    terminal = conclude({"TERM": "xterm-256color"}, Replies(fenced=True, name="foot(1.19.0)", sixel=True), None, 0.012)
    said, images = checks_of(terminal, choose("auto", terminal))
    assert said.message.startswith("foot(1.19.0). The terminal answered in 12 ms. kitty: no answer to the graphics")
    assert images.message == (
        "Pictures are shown as Sixels, small ones in half blocks: foot(1.19.0) answered that it shows Sixel pictures."
    )


def test_no_terminal_is_wrong() -> None:
    assert {check.level for check in checks_of(Terminal(), choose("auto", Terminal()))} == {"ok"}


def test_every_way_has_words() -> None:
    assert tuple(WAYS) == SHOWN
