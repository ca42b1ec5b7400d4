"""What the app remembers from one run to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagineer_tui.remembering import Remembered, recall, remember, state_file


def test_what_was_remembered_is_recalled(tmp_path: Path):
    file = tmp_path / "state" / "tui.json"
    remembered = Remembered("queue", "ansi-dark", {"queue": {"opened": ["now:b1"]}})

    remember(file, remembered)

    assert recall(file) == remembered
    assert [entry.name for entry in file.parent.iterdir()] == ["tui.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"screens": 3}', '{"screens": {"sets": 1}, "screen": null}', "[" * 100_000]
)
def test_what_makes_no_sense_is_forgotten(tmp_path: Path, text: str):
    file = tmp_path / "tui.json"
    file.write_text(text)

    assert recall(file).screens == {}


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path):
    (tmp_path / "state").write_text("a file where a folder should be")

    remember(tmp_path / "state" / "tui.json", Remembered())

    assert recall(tmp_path / "state" / "tui.json") == Remembered()


def test_it_is_kept_in_the_user_s_state_folder():
    assert state_file({"XDG_STATE_HOME": "/s"}) == Path("/s/imagineer/tui.json")
    assert state_file({"XDG_STATE_HOME": "relative", "HOME": "/h"}) == Path("/h/.local/state/imagineer/tui.json")
