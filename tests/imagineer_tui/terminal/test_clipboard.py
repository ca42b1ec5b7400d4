"""A text on its way to the clipboard."""

from __future__ import annotations

import base64
import shutil

import pytest
from multiplexer import Multiplexer

from imagineer_tui.terminal.clipboard import osc52, send

SEED = "seed 4711 ★"
CODED = base64.b64encode(SEED.encode())


def test_the_terminal_is_given_the_text() -> None:
    written: list[str] = []
    send(SEED, {}, written.append)
    assert written == [f"\x1b]52;c;{CODED.decode()}\x07"]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
@pytest.mark.parametrize("setting", ["external", "on"])
def test_through_tmux_it_reaches_the_terminal_around_it(setting: str) -> None:
    written: list[str] = []
    with Multiplexer() as multiplexer:
        multiplexer.run("set-option", "-s", "set-clipboard", setting)
        send(SEED, multiplexer.environ, written.append)
        multiplexer.terminal.wait_for(CODED)
        assert multiplexer.run("show-buffer") == SEED
    assert written == []


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
def test_a_tmux_that_cannot_take_it_is_gone_around_where_it_lets_us(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"load-buffer": None, "show-options": "on\n"}
    monkeypatch.setattr("imagineer_tui.terminal.tmux.run", lambda _environ, command, *_, **_given: said[command])
    written: list[str] = []
    send("x", {"TMUX": "old"}, written.append)
    assert written == ["\x1bPtmux;\x1b" + osc52("x") + "\x1b\\"]
