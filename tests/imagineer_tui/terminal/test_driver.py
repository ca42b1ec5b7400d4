"""A real terminal under Textual: what is written, on which line, and how the terminal is left."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from house import ROOT, wait_until
from pseudo_terminal import PseudoTerminal, Screen, small_app

ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
FRAME = 80 * 24 * 45
"""Bytes of a screen on which no two cells are alike."""


@contextmanager
def shown(name: str, report: Path, **terminal: Any) -> Iterator[PseudoTerminal]:
    """Run a small app until it has drawn something."""
    with PseudoTerminal(small_app(name, report), ENVIRON, **terminal) as pseudo:
        wait_until(lambda: pseudo.screen.alternate)
        yield pseudo


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def left(terminal: PseudoTerminal) -> None:
    """The shell's own state: its screen, its cursor, no mouse, and keys are echoed."""
    assert terminal.screen == Screen()
    assert terminal.echoes


def test_an_idle_app_writes_nothing(report: Path) -> None:
    with shown("quiet", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.bytes_until_quiet()
        assert terminal.bytes_in(2.0) == 0


def test_a_bar_at_five_hertz_costs_two_kilobytes_a_second(report: Path) -> None:
    with shown("progress", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.bytes_in(1.0)  # the first paint
        assert terminal.bytes_in(4.0) <= 4 * 2_000


def test_ctrl_q_leaves_the_terminal_sane(report: Path) -> None:
    with shown("quiet", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.type(b"\x11")
        assert terminal.ended() == 0
        left(terminal)


def test_escape_and_a_key_in_one_packet_are_two_keys(report: Path) -> None:
    with shown("quiet", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.bytes_until_quiet()
        terminal.bytes_after(b"\x1b4")
        terminal.type(b"\x11")
        assert terminal.ended() == 0
    told = json.loads(report.read_text())
    assert (told["keys"], told["typed"]) == (["escape"], "4"), "The field keeps what is a letter."


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_sane(signum: signal.Signals, report: Path) -> None:
    with shown("quiet", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.process.send_signal(signum)
        assert terminal.ended() == 128 + signum
        left(terminal)


def test_an_error_leaves_the_terminal_sane_and_is_told(report: Path) -> None:
    with shown("crash", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.type(b"x")
        assert terminal.ended() == 1
        left(terminal)
        assert b"This was meant to fail." in terminal.output


def test_a_lost_terminal_ends_the_app(report: Path) -> None:
    with shown("quiet", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.lose()
        assert terminal.process.wait(timeout=30) != 0


def test_the_shell_gets_the_terminal_back_while_the_app_sleeps(report: Path) -> None:
    with shown("quiet", report) as terminal:
        terminal.wait_for(b"ready")
        terminal.process.send_signal(signal.SIGTSTP)
        wait_until(lambda: terminal.screen == Screen())
        terminal.process.send_signal(signal.SIGCONT)
        wait_until(lambda: terminal.screen.alternate)
        terminal.bytes_until_quiet()
        terminal.type(b"\x11")
        assert terminal.ended() == 0
        left(terminal)


def test_on_a_slow_line_frames_are_left_out_instead_of_queued(report: Path) -> None:
    """The app paints a screen of 80 kB thirty times a second; the line takes 200 kB."""
    with shown("flood", report, rate=200_000) as terminal:
        wait_until(lambda: len(terminal.output) > 5 * FRAME)
        terminal.type(b"\x11")
        assert terminal.ended() == 0
        left(terminal)
    assert json.loads(report.read_text())["backlog"] < 2 * FRAME


def test_a_line_that_takes_nothing_stalls_nothing_but_the_picture(report: Path) -> None:
    with shown("flood", report) as terminal:
        wait_until(lambda: len(terminal.output) > 2 * FRAME)
        terminal.pause()
        wait_until(lambda: ticks(report) > 0)
        before = ticks(report)
        wait_until(lambda: ticks(report) > before + 100)
        terminal.go_on()
        terminal.bytes_in(0.5)
        terminal.type(b"\x11")
        assert terminal.ended() == 0
        left(terminal)


def test_an_app_can_be_ended_on_a_line_that_takes_nothing(report: Path) -> None:
    with shown("flood", report) as terminal:
        wait_until(lambda: len(terminal.output) > 2 * FRAME)
        terminal.pause()
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(timeout=30) == 128 + signal.SIGTERM


def ticks(report: Path) -> int:
    """Return how often the app's loop has come round."""
    file = report.with_suffix(".ticks")
    return file.stat().st_size if file.exists() else 0


def test_a_screen_that_changes_while_the_line_is_full_is_painted_whole(report: Path) -> None:
    with shown("flood", report, rate=200_000) as terminal:
        wait_until(lambda: len(terminal.output) > 2 * FRAME)
        terminal.type(b"m")  # a dialog opens
        terminal.wait_for(b"This is a dialog.")
