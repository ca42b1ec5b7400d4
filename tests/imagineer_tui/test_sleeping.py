"""The app is sent to the background of a real shell and comes back."""

from __future__ import annotations

import shlex
import shutil
import sys

import pytest
from fakes import FakeDaemon
from house import wait_until
from multiplexer import Multiplexer
from piloting import environ_of

PROGRAM = shlex.join([sys.executable, "-P", "-m", "imagineer_tui"])


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
def test_ctrl_z_gives_the_shell_its_terminal_and_fg_paints_everything_again(daemon: FakeDaemon):
    with Multiplexer((80, 24), "bash --norc", **environ_of(daemon.ctl.parent), NO_COLOR="1") as tmux:
        tmux.run("send-keys", PROGRAM, "Enter")
        wait_until(lambda: "▸ Zodiac" in tmux.captured())
        wait_until(lambda: "about 0:24" in tmux.captured())

        tmux.run("send-keys", "C-z")
        wait_until(lambda: "Stopped" in tmux.captured())

        tmux.run("send-keys", "fg", "Enter")
        wait_until(lambda: "▸ Zodiac" in tmux.captured())
        assert "1 Sets" in tmux.captured()
