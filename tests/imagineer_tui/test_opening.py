"""The real `imagineer` on a real terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes import Deck, FakeDaemon, job
from house import ROOT
from piloting import environ_of
from pseudo_terminal import FOOT, KITTY, SILENT, PseudoTerminal, Screen

from imagineerd import protocol

IMAGINEER = [sys.executable, "-m", "imagineer_tui"]


def environ(folder: Path, **more: str) -> dict[str, str]:
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    return {**path, **environ_of(folder), **more}


@contextmanager
def imagineer(folder: Path, **terminal: Any) -> Iterator[PseudoTerminal]:
    """Run `imagineer` until it shows the sets."""
    with PseudoTerminal(IMAGINEER, environ(folder), **terminal) as pseudo:
        pseudo.wait_for(b"Zodiac")
        yield pseudo


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.25, 0.5])
def test_late_replies_do_nothing(delay: float, folder: Path) -> None:
    with imagineer(folder, delay=delay) as terminal:
        terminal.bytes_until_quiet()
        assert b"42.1" not in terminal.output
        terminal.type(b"q")
        assert terminal.ended() == 0
        assert terminal.screen == Screen()


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_sane(signum: signal.Signals, folder: Path) -> None:
    with imagineer(folder) as terminal:
        terminal.process.send_signal(signum)
        assert terminal.ended() == 128 + signum
        assert terminal.screen == Screen()
        assert terminal.echoes


@pytest.mark.usefixtures("daemon")
def test_a_lost_terminal_ends_it(folder: Path) -> None:
    with imagineer(folder) as terminal:
        terminal.lose()
        assert terminal.process.wait(timeout=30) != 0


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_idle_it_writes_nothing(size: tuple[int, int], folder: Path) -> None:
    with imagineer(folder, size=size) as terminal:
        terminal.bytes_until_quiet(1.0)
        assert terminal.bytes_in(3.0) == 0


def test_it_rings_and_tells_when_a_deck_is_finished_while_nobody_looks(
    daemon: FakeDaemon, deck: Deck, folder: Path
) -> None:
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    with imagineer(folder) as terminal:
        terminal.wait_for(b"about 0:24")
        terminal.type(b"\x1b[O")  # the terminal lost the focus
        terminal.bytes_until_quiet()

        daemon.happen(deck.finish(1))

        terminal.wait_for(b"\x1b]9;Zodiac is finished\x1b\\\x07")


@pytest.mark.usefixtures("daemon")
def test_a_window_of_no_size_is_taken_for_a_usual_one(folder: Path) -> None:
    with imagineer(folder, size=(0, 0)) as terminal:
        terminal.type(b"q")
        assert terminal.ended() == 0


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "linux"}, {"COLORTERM": ""}])
def test_it_opens_on_simple_terminals(more: dict[str, str], folder: Path) -> None:
    with PseudoTerminal(IMAGINEER, environ(folder, **more), SILENT) as terminal:
        terminal.wait_for(b"Zodiac")
        terminal.type(b"q")
        assert terminal.ended() == 0


def test_the_doctor_explains_how_pictures_are_shown(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answers["doctor"] = protocol.Doctor(checks=())
    for answers, words in ((KITTY, b"by Kitty's protocol"), (FOOT, b"as Sixels"), (SILENT, b"in half blocks")):
        with PseudoTerminal([*IMAGINEER, "doctor"], environ(folder), answers, size=(200, 60)) as terminal:
            terminal.ended()
            assert b"Pictures are shown " + words in terminal.output
