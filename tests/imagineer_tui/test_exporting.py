"""`imagineer export` against a daemon that answers from a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import BATCH, Deck, FakeDaemon
from piloting import environ_of

from imagineer_tui.cli import main


@pytest.fixture(autouse=True)
def dealt(daemon: FakeDaemon, deck: Deck, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three cards have a picture; commands are typed in `tmp_path`."""
    for name, value in environ_of(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        deck.finish(number)
        daemon.pictures[number] = b"picture %d" % number


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_picks_of_a_batch_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "last"]) == 0

    assert contents(tmp_path / f"{BATCH}_pictures") == {"01.png": "picture 1", "02.png": "picture 2"}
    said = f"2 takes (18 B) written to {BATCH}_pictures; 1 card without a picture left out.\n"
    assert capsys.readouterr().out == said


def test_what_was_exported_is_exported_once_more_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "last"]) == 0
    capsys.readouterr()
    assert main(["export", "last", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["folder"] == f"{BATCH}_pictures_2"
    assert contents(tmp_path / f"{BATCH}_pictures_2") == contents(tmp_path / f"{BATCH}_pictures")


def test_a_picture_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "02.png").write_text("mine")

    assert main(["export", "last", "--to", "."]) == 2

    assert contents(tmp_path) == {"02.png": "mine"}
    assert capsys.readouterr().err.startswith("imagineer: 02.png is there already")


def test_a_picture_that_does_not_come_leaves_nothing_behind(daemon: FakeDaemon, tmp_path: Path) -> None:
    del daemon.pictures[2]

    assert main(["export", "last", "--to", "deck"]) == 2

    assert contents(tmp_path) == {}


@pytest.mark.usefixtures("tmp_path")
def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()

    assert main(["export", "last", "--to", "file/deck"]) == 1

    said = "imagineer: file/deck cannot be written (Not a directory): name another folder.\n"
    assert capsys.readouterr().err == said
