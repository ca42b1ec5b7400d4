"""A real tmux between us and the terminal."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from multiplexer import Multiplexer

from imagineer_tui.terminal import tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")


def test_a_wrapped_sequence_doubles_its_escapes() -> None:
    assert tmux.wrapped("\x1b[1m\x1b\\") == "\x1bPtmux;\x1b\x1b[1m\x1b\x1b\\\x1b\\"


def test_outside_of_tmux_nothing_runs() -> None:
    assert tmux.run({"PATH": os.environ["PATH"]}, "display-message", "-p", "x") is None
    assert not tmux.allows_passthrough({"PATH": os.environ["PATH"]})


def test_a_tmux_that_is_gone_says_nothing(tmp_path: Path) -> None:
    assert tmux.run({"PATH": os.environ["PATH"], "TMUX": f"{tmp_path}/gone,1,0"}, "list-sessions") is None


def test_passthrough_is_off_until_it_is_allowed() -> None:
    with Multiplexer() as multiplexer:
        assert not tmux.allows_passthrough(multiplexer.environ)
        multiplexer.run("set-option", "-g", "allow-passthrough", "on")
        assert tmux.allows_passthrough(multiplexer.environ)


def test_what_is_wrapped_reaches_the_terminal_around_tmux(tmp_path: Path) -> None:
    with Multiplexer() as multiplexer:
        multiplexer.run("set-option", "-g", "allow-passthrough", "on")
        file = tmp_path / "sequence"
        file.write_text(tmux.wrapped("\x1b]52;c;eA==\x07"))
        multiplexer.run("send-keys", f"cat {file}", "Enter")
        multiplexer.terminal.wait_for(b"\x1b]52;c;eA==\x07")
