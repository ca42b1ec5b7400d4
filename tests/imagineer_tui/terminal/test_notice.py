"""What is sent to somebody who looks elsewhere."""

from __future__ import annotations

from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.notice import notice


def test_a_terminal_rings_and_shows_the_text():
    assert notice("Zodiac is finished", Terminal(tty=True)) == "\x1b]9;Zodiac is finished\x1b\\\x07"


def test_through_tmux_the_text_is_wrapped_where_tmux_hands_it_on():
    through = Terminal(tty=True, multiplexer="tmux", passthrough=True)
    assert notice("Done", through) == "\x1bPtmux;\x1b\x1b]9;Done\x1b\x1b\\\x1b\\\x07"

    assert notice("Done", Terminal(tty=True, multiplexer="tmux")) == "\x07"
    assert notice("Done", Terminal(tty=True, multiplexer="screen")) == "\x07"


def test_a_title_is_no_sequence():
    assert notice("a\x1b]0;b\x07c", Terminal(tty=True)) == "\x1b]9;a]0;bc\x1b\\\x07"
