"""Key files: what is written is read again, by ZeroMQ's own tools too; what others could have touched is refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq.auth
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.errors import Denied, Invalid, NotFound
from imagineerd.network.key_files import check_key, check_mode, draw, read_fields, read_pair, read_public, write_pair

PAIR = draw()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "client.key_secret"
    write_pair(file, PAIR)
    return file


def test_a_pair_is_read_as_it_was_written(file: Path) -> None:
    assert read_pair(file) == PAIR
    assert read_public(file) == PAIR.public


def test_zeromq_s_own_tools_read_it_too(file: Path) -> None:
    assert zmq.auth.load_certificate(file) == (PAIR.public.encode(), PAIR.secret.encode())


def test_a_secret_is_for_its_owner_alone(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_public_key_is_never_taken_for_an_option_of_a_command_line() -> None:
    assert not any(draw().public.startswith("-") for _ in range(300))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_that_others_may_open_is_refused_with_the_remedy(file: Path, mode: int) -> None:
    file.chmod(mode)

    with pytest.raises(Denied) as caught:
        read_pair(file)

    assert caught.value.message == f"{file} is open to other users (mode {mode:04o}): chmod go= {file}."


def test_a_public_key_may_be_read_by_others_and_not_written(file: Path) -> None:
    file.chmod(0o644)
    assert read_public(file) == PAIR.public

    file.chmod(0o664)
    with pytest.raises(Denied, match=r"\(mode 0664\): chmod go-w "):
        read_public(file)


def test_a_file_of_another_user_is_refused(file: Path) -> None:
    found = list(file.stat())
    found[4] = os.getuid() + 1

    with pytest.raises(Denied, match="belongs to another user"):
        check_mode(file, os.stat_result(found), 0o022)


def test_a_link_is_not_followed(file: Path) -> None:
    link = file.with_name("link.key")
    link.symlink_to(file)

    with pytest.raises(Denied, match="cannot be read"):
        read_public(link)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.key", 0o600)

    with pytest.raises(Denied, match="is no plain file"):
        read_public(tmp_path / "a.key")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_bytes(b"x" * 5000)

    with pytest.raises(Invalid, match="more than 4096 bytes"):
        read_public(tmp_path / "a.key")


@pytest.mark.parametrize("text", ["", "\0" * 100, 'public-key = "short"', 'public-key = "' + "\\" * 40 + '"'])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.key").write_text(text)

    with pytest.raises(Invalid):
        read_public(tmp_path / "a.key")
    (tmp_path / "a.key").chmod(0o600)
    with pytest.raises(Invalid, match="holds no secret key"):
        read_pair(tmp_path / "a.key")


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_public(tmp_path / "a.key")


@given(st.text(max_size=39) | st.text("Zz09~{", min_size=40, max_size=40).map(lambda text: f"#{text[1:]}"))
def test_what_is_given_for_a_key_and_is_none_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Invalid, match="A public key has 40 characters"):
        check_key(text)


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_reading_it_ends(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.key"
    file.write_bytes(data)

    assert all('"' not in value for value in read_fields(file).values())
