"""A terminal is asked once, whatever the line; no answer ever becomes a key."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from house import ROOT
from pseudo_terminal import FOOT, KITTY, SILENT, TMUX, PseudoTerminal, small_app

from imagineer_tui.terminal.detection import USUAL_CELL, Terminal, conclude, detect, window_cell
from imagineer_tui.terminal.replies import read_replies

ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}


def concluded(answers: Mapping[bytes, bytes], **environ: str) -> Terminal:
    return conclude({"TERM": "xterm-256color", **environ}, read_replies(b"".join(answers.values())), None)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.25, 0.5])
def test_late_replies_are_understood_and_never_typed(delay: float, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with PseudoTerminal(small_app("quiet", report), ENVIRON, KITTY, delay) as terminal:
        terminal.wait_for(b"ready")
        terminal.bytes_until_quiet()
        terminal.type(b"j")
        terminal.bytes_until_quiet()
        terminal.type(b"\x11")
        assert terminal.ended() == 0
    seen = json.loads(report.read_text())
    assert seen["typed"] == "j"
    assert "kitty: Answered the graphics question." in seen["reasons"]


def test_a_terminal_that_never_answers_is_taken_for_a_simple_one(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with PseudoTerminal(small_app("quiet", report), ENVIRON, SILENT) as terminal:
        terminal.wait_for(b"ready")
        terminal.type(b"\x11")
        assert terminal.ended() == 0
    assert json.loads(report.read_text())["reasons"][0].startswith("The terminal answered nothing for 2.")


@pytest.fixture
def a_pipe() -> Iterator[int]:
    ends = os.pipe()
    yield ends[0]
    for end in ends:
        os.close(end)


def test_nothing_is_asked_where_there_is_no_terminal(a_pipe: int) -> None:
    assert detect(ENVIRON, a_pipe, a_pipe) == Terminal(
        reasons=("Standard input and standard error are not both a terminal: no pictures are shown.",)
    )


def test_nothing_is_asked_of_a_dumb_terminal() -> None:
    master, slave = pty.openpty()
    found = detect({"TERM": "dumb"}, slave, slave)
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 1)
    assert (found.tty, found.colors) == (True, "none")
    os.close(slave)
    os.close(master)


def test_a_window_of_no_size_tells_no_cell(a_pipe: int) -> None:
    master, slave = pty.openpty()
    assert window_cell(slave) is None
    assert window_cell(a_pipe) is None
    os.close(slave)
    os.close(master)


def test_what_the_terminal_says_of_its_cells_comes_before_the_window() -> None:
    assert conclude({}, read_replies(b"\x1b[6;18;9t"), (8, 16)).cell == (9, 18)
    assert conclude({}, read_replies(b""), (8, 16)).cell == (8, 16)
    assert conclude({}, read_replies(b""), None).cell == USUAL_CELL


def test_an_app_shows_true_colours_where_the_terminal_proved_them() -> None:
    assert concluded(KITTY).environ == {"COLORTERM": "truecolor"}
    assert concluded(SILENT).environ == {}


def test_light_and_dark_are_told_apart() -> None:
    assert concluded(KITTY).dark
    assert not concluded(FOOT).dark
    assert concluded(SILENT).dark


@pytest.mark.parametrize(
    ("answers", "environ", "multiplexer"),
    [
        (TMUX, {}, "tmux"),
        (SILENT, {"TERM": "tmux-256color"}, "tmux"),
        (SILENT, {"TERM": "screen.xterm-256color"}, "screen"),
        (SILENT, {"ZELLIJ": "0"}, "zellij"),
        (KITTY, {}, ""),
    ],
)
def test_a_multiplexer_is_found(answers: Mapping[bytes, bytes], environ: dict[str, str], multiplexer: str) -> None:
    assert concluded(answers, **environ).multiplexer == multiplexer


def test_ssh_and_no_color_are_noted() -> None:
    found = concluded(SILENT, SSH_CONNECTION="10.0.0.1 22 10.0.0.2 22", NO_COLOR="1")
    assert found.remote
    assert found.no_color


@pytest.mark.parametrize("environ", [{"TMUX": "socket,1,0"}, {"TERM": "tmux-256color"}, {"STY": "1.pts"}])
def test_nothing_is_asked_that_a_multiplexer_takes_for_a_title_or_a_picture(
    environ: dict[str, str], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    with PseudoTerminal(small_app("quiet", report), {**ENVIRON, **environ}, TMUX) as terminal:
        terminal.wait_for(b"ready")
        terminal.type(b"\x11")
        assert terminal.ended() == 0
        assert b"\x1b_" not in terminal.output
        assert b"\x1bP" not in terminal.output
    assert any(reason.startswith("kitty: Not asked") for reason in json.loads(report.read_text())["reasons"])
