"""What a container may see is copied for it alone, and a login never comes back in an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagineerd import link
from imagineerd.errors import LabelError
from imagineerd.worker.scratch import Unready, clear, given

TOKEN = "a-token-of-many-characters"  # noqa: S105 - nobody's


def order(picture: Path, **labeler: Any) -> link.Label:
    settings: dict[str, Any] = {
        "image": "labeler", "command": ("claude",), "network": "none", "timeout_s": 5.0, "memory": 2**26, "cpus": 1.0,
        "login_by": "none", "login": "", **labeler,
    }  # fmt: skip
    return link.Label(1, 1, str(picture), "Look.", link.Labeler(**settings))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "01_aries.png"
    file.write_bytes(b"a picture")
    file.chmod(0o600)
    return file


def test_a_picture_is_a_copy_that_any_user_reads_in_a_folder_that_none_enters(picture: Path, tmp_path: Path) -> None:
    with given(order(picture), tmp_path / "scratch") as files:
        ((copy, place),) = files.files.items()

        assert place == "/images/take.png"
        assert copy.read_bytes() == b"a picture"
        assert copy.stat().st_mode & 0o777 == 0o444
        assert copy.parent.stat().st_mode & 0o777 == 0o700

    assert not list((tmp_path / "scratch").iterdir())


def test_what_was_laid_out_is_gone_also_after_an_error(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyError), given(order(picture), tmp_path / "scratch"):
        raise KeyError

    assert not list((tmp_path / "scratch").iterdir())


def test_a_credentials_file_lies_where_the_image_looks_for_it(picture: Path, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"oauth": {"accessToken": TOKEN, "expiresAt": 1}}))

    with given(order(picture, login_by="file", login=str(file)), tmp_path / "scratch") as files:
        copy = next(path for path, place in files.files.items() if place == "/run/imagineer/credentials.json")
        assert copy.read_text() == file.read_text()
        assert files.hide(f"I know {TOKEN}!") == "I know [login]!"


def test_a_variable_lies_where_the_image_looks_for_it(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)

    with given(order(picture, login_by="variable", login="A_TOKEN"), tmp_path / "scratch") as files:
        assert "/run/imagineer/variables/A_TOKEN" in files.files.values()
        assert files.hide(TOKEN) == "[login]"


def test_without_a_login_only_the_picture_is_given(picture: Path, tmp_path: Path) -> None:
    with given(order(picture), tmp_path / "scratch") as files:
        assert len(files.files) == 1
        assert files.hide("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_login_that_is_missing_is_told_with_its_remedy(picture: Path, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "credentials.json"
    if content is not None:
        file.write_text(content)

    with (
        pytest.raises(Unready, match="claude setup-token"),
        given(order(picture, login_by="file", login=str(file)), tmp_path / "scratch"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_login_that_may_not_be_read_is_told_with_its_remedy(picture: Path, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(TOKEN)
    file.chmod(0)

    with (
        pytest.raises(Unready, match="chmod u\\+r"),
        given(order(picture, login_by="file", login=str(file)), tmp_path / "scratch"),
    ):
        pass


def test_a_variable_that_is_not_set_is_told(picture: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(Unready, match=r"no \$NO_SUCH_TOKEN"),
        given(order(picture, login_by="variable", login="NO_SUCH_TOKEN"), tmp_path / "scratch"),
    ):
        pass


def test_a_picture_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"01_aries\.png is gone"), given(order(tmp_path / "01_aries.png"), tmp_path):
        pass


def test_a_picture_that_is_a_link_is_copied_and_nothing_beside_it(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    linked = tmp_path / "elsewhere" / "01.png"
    linked.symlink_to(picture)

    with given(order(linked), tmp_path / "scratch") as files:
        (copy,) = files.files
        assert (copy.read_bytes(), copy.is_symlink()) == (b"a picture", False)
        assert [path.name for path in copy.parent.iterdir()] == ["take.png"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (Path.mkdir, "cannot be read: Is a directory"),
        (os.mkfifo, "is no file"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "is gone"),
    ],
)
def test_what_is_no_picture_is_told(tmp_path: Path, make: Callable[[Path], object], sentence: str) -> None:
    make(tmp_path / "01.png")

    with pytest.raises(LabelError, match=sentence), given(order(tmp_path / "01.png"), tmp_path / "scratch"):
        pass


def test_a_place_that_cannot_be_written_is_no_fault_of_the_picture(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").touch()

    with (
        pytest.raises(Unready, match=r"Nothing can be written to .*scratch \(File exists\)"),
        given(order(picture), tmp_path / "scratch"),
    ):
        pass


def test_what_a_killed_worker_left_behind_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "take.png").touch()

    clear(tmp_path)

    assert not list(tmp_path.iterdir())
