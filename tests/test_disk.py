"""A disk that takes files, and one that does not."""

from __future__ import annotations

import resource
from pathlib import Path

from imagineerd.disk import ROOM, takes_files


def test_where_files_can_be_written_none_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "decks" / "zodiac"

    assert takes_files(folder)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_takes_none(tmp_path: Path) -> None:
    (tmp_path / "decks").write_text("in the way")

    assert not takes_files(tmp_path / "decks" / "zodiac")


def test_a_disk_with_too_little_room_takes_none(tmp_path: Path) -> None:
    """No file may be longer than a limit here, which is how a full disk looks to who writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM - 1, hard))
    try:
        assert not takes_files(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert takes_files(tmp_path)
