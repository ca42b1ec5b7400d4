"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagineerd.replacing import delete_leftovers, replace_file


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        replace_file(tmp_path / "a", content)

        assert (tmp_path / "a").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    replace_file(tmp_path / "a", b"one")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "a", b"two")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"one"}


def test_what_a_killed_process_left_beside_a_file_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a[1]", ".a[1].k2x9", ".a1.k2x9", ".b.k2x9"):
        (tmp_path / name).touch()

    delete_leftovers(tmp_path / "a[1]")

    assert {path.name for path in tmp_path.iterdir()} == {"a[1]", ".a1.k2x9", ".b.k2x9"}
