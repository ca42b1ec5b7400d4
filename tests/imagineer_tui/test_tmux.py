"""The whole program in a real tmux: a zodiac is dealt, and its cards are found on the screen."""

from __future__ import annotations

import re
import shlex
import shutil
import sys

import pytest
from house import WAIT_S, House, wait_until
from multiplexer import Multiplexer

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")

PROGRAM = shlex.join([sys.executable, "-P", "-m", "imagineer_tui"])
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def wait_for(tmux: Multiplexer, *texts: str) -> str:
    """Wait until all of these stand in the pane; return what stands there, without colours."""

    def screen() -> str:
        return _COLOURS.sub("", tmux.captured())

    try:
        wait_until(lambda: all(text in screen() for text in texts), 2 * WAIT_S)
    except AssertionError:
        raise AssertionError(f"{texts} did not come; there is:\n{screen()}") from None
    return screen()


def test_a_zodiac_is_dealt_and_its_cards_land(faking: House):
    ours = {name: faking.environ[name] for name in faking.environ if name.startswith(("IMAGINEER_", "XDG_"))}
    # `cat` keeps the pane, so that what is left on the screen can be read.
    with Multiplexer((120, 40), f"{PROGRAM}; echo ended $?; cat", **ours, HOME=faking.environ["HOME"]) as tmux:
        wait_for(tmux, "▸ Zodiac", "Press enter to deal these 12 cards")

        assert "Gi=" not in tmux.run("display-message", "-p", "#{pane_title}")

        tmux.run("send-keys", "Enter")
        screen = wait_for(tmux, "─ Landed ─", "Pisces", "12/12")
        assert "✓ Zodiac" in screen

        tmux.run("send-keys", "q")
        assert "Landed" not in wait_for(tmux, "ended 0")
