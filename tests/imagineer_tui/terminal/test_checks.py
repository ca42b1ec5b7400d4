"""What the doctor says of the terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import FakeDaemon
from pseudo_terminal import DA1, FOOT, KITTY, TMUX, PseudoTerminal
from test_opening import environ

from imagineer_tui.terminal.checks import check_preferences, checks_of
from imagineer_tui.terminal.detection import UNASKED, conclude
from imagineer_tui.terminal.images import SHOWN, WAYS, choose
from imagineer_tui.terminal.replies import Replies
from imagineerd import protocol

DOCTOR = [sys.executable, "-m", "imagineer_tui", "doctor"]
SILENT_BUT_THERE = DA1


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


def test_what_is_wrong_in_the_preferences_is_told(tmp_path: Path) -> None:
    environ = {"IMAGINEER_CONFIG": str(tmp_path / "config.yaml")}
    assert not check_preferences(environ)

    (tmp_path / "tui.yaml").write_text("bell: loud\nkeys: {sets.deel: d, sets.random: x}\n")

    bell, key = check_preferences(environ)
    assert {(check.name, check.level, check.remedy) for check in (bell, key)} == {
        ("tui.yaml", "warn", "Mend the file.")
    }
    assert "bell takes true or false" in bell.message
    assert 'there is no "sets.deel". Is it sets.deal?' in key.message


# ---------------------------------------------------------------- as it is typed


@pytest.mark.parametrize(
    ("answers", "more", "said"),
    [
        (
            KITTY,
            {},
            "shown by Kitty's protocol, small ones in half blocks: kitty(0.42.1) answered that it shows",
        ),
        (KITTY, {"NO_COLOR": "1"}, "NO_COLOR is set, and real pictures have colours."),
        (
            FOOT,
            {},
            "shown as Sixels, small ones in half blocks: foot(1.19.0) answered that it shows Sixel",
        ),
        (TMUX, {}, "in half blocks: tmux does not keep real pictures in their place."),
        (SILENT_BUT_THERE, {"TERM": "xterm-256color"}, "xterm-256color did not answer that it shows Kitty or Sixel"),
        (SILENT_BUT_THERE, {"TERM": "xterm"}, "in letters, small ones in letters: xterm shows too few colours"),
    ],
    ids=["kitty", "no colour", "sixel", "tmux", "neither", "few colours"],
)
def test_the_doctor_says_how_pictures_are_shown_and_why(
    answers: Mapping[bytes, bytes], more: Mapping[str, str], said: str, daemon: FakeDaemon, folder: Path
) -> None:
    daemon.answers["doctor"] = protocol.Doctor(checks=())
    with PseudoTerminal(DOCTOR, environ(folder, **more), answers, size=(250, 24)) as terminal:
        assert terminal.ended() == 0
        assert said in " ".join(terminal.output.decode().split())


def test_the_doctor_says_that_there_is_no_terminal(daemon: FakeDaemon, folder: Path) -> None:
    daemon.answers["doctor"] = protocol.Doctor(checks=())
    done = subprocess.run(
        DOCTOR, env=environ(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Standard input and standard error are not both a terminal: no pictures are shown." in done.stdout
