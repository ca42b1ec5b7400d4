"""Who has which key: the folder of authorized keys, our own pairs, and the daemons that are trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagineerd.errors import Conflict, Denied, Invalid, NotFound
from imagineerd.network.key_files import draw
from imagineerd.network.keys import (
    AuthorizedKey,
    authorize,
    authorized_folder,
    client_pair,
    daemon_pair,
    machine_name,
    new_client_pair,
    parse_address,
    read_authorized,
    revoke,
    trust,
    trusted,
)

ANNE = AuthorizedKey("anne", "operator", draw().public)
BOB = AuthorizedKey("bob@box", "viewer", draw().public)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of keys in which two clients are authorized."""
    authorize(tmp_path, ANNE)
    authorize(tmp_path, BOB)
    return tmp_path


def problem(folder: Path) -> str:
    """Return the only problem there is."""
    (found,) = read_authorized(folder).problems
    return str(found)


# ---------------------------------------------------------------- who may come in


def test_who_is_authorized_may_come_in(folder: Path) -> None:
    assert read_authorized(folder) == ((ANNE, BOB), ())


def test_who_is_revoked_may_not(folder: Path) -> None:
    revoke(folder, "anne")

    assert read_authorized(folder).keys == (BOB,)


def test_without_a_folder_nobody_may(tmp_path: Path) -> None:
    assert read_authorized(tmp_path) == ((), ())


def test_a_role_can_be_changed(folder: Path) -> None:
    authorize(folder, AuthorizedKey("anne", "admin", ANNE.public))

    assert read_authorized(folder).keys[0].role == "admin"


def test_neither_a_name_nor_a_key_passes_to_another(folder: Path) -> None:
    with pytest.raises(Conflict, match='This name is that of "anne": imagineer keys revoke anne comes first'):
        authorize(folder, AuthorizedKey("anne", "viewer", draw().public))
    with pytest.raises(Conflict, match='This key is that of "anne"'):
        authorize(folder, AuthorizedKey("eve", "admin", ANNE.public))


@pytest.mark.parametrize(
    "name", ["", ".", "../x", "a/b", "a\0b", "a\nb", "-rf", "x" * 65, "x" * 100_000, "ä", "\x1b[2J"]
)
def test_a_name_that_could_do_harm_is_refused_and_shown_harmless(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        authorize(tmp_path, AuthorizedKey(name, "viewer", ANNE.public))

    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    assert not any(tmp_path.iterdir())


def test_only_who_is_there_can_be_revoked_and_never_a_path(folder: Path) -> None:
    (folder / "daemon.key").write_text("")

    with pytest.raises(NotFound, match='No key is authorized as "ann"\\. Did you mean "anne"\\?'):
        revoke(folder, "ann")
    with pytest.raises(NotFound):
        revoke(folder, "../daemon")
    assert (folder / "daemon.key").exists()


def test_a_folder_that_others_may_write_lets_nobody_in(folder: Path) -> None:
    authorized_folder(folder).chmod(0o777)

    assert read_authorized(folder).keys == ()
    assert "is open to other users (mode 0777): chmod go-w" in problem(folder)


def test_a_file_that_others_may_write_lets_nobody_in(folder: Path) -> None:
    (authorized_folder(folder) / "anne.key").chmod(0o666)

    assert read_authorized(folder).keys == (BOB,)
    assert problem(folder).endswith("anne.key.")


@pytest.mark.parametrize("role", ["", "root", "Admin"])
def test_a_file_without_a_role_that_is_known_lets_nobody_in(folder: Path, role: str) -> None:
    file = authorized_folder(folder) / "anne.key"
    file.write_text(file.read_text().replace('"operator"', f'"{role}"'))

    assert read_authorized(folder).keys == (BOB,)
    assert 'needs a line role = "…", with one of viewer, operator, admin' in problem(folder)


def test_a_key_counts_once(folder: Path) -> None:
    file = authorized_folder(folder) / "anne.key"
    file.with_name("zoe.key").write_text(file.read_text().replace("operator", "admin"))

    assert read_authorized(folder).keys == (ANNE, BOB)
    assert 'This is the key of "anne": only that one counts.' in problem(folder)


def test_a_file_of_a_name_that_could_do_harm_lets_nobody_in(folder: Path) -> None:
    file = authorized_folder(folder) / "anne.key"
    file.rename(file.with_name("an\nne.key"))

    assert read_authorized(folder).keys == (BOB,)


# ---------------------------------------------------------------- our own pairs


def test_a_client_draws_its_key_once(tmp_path: Path) -> None:
    pair = new_client_pair(tmp_path)

    assert client_pair(tmp_path) == pair
    with pytest.raises(Conflict, match=r"remove .*client\.key_secret to draw another"):
        new_client_pair(tmp_path)


def test_a_client_without_a_key_is_told_how_to_draw_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="`imagineer keys new` draws one"):
        client_pair(tmp_path)


def test_a_daemon_draws_its_key_when_it_first_needs_one(tmp_path: Path) -> None:
    assert daemon_pair(tmp_path) == daemon_pair(tmp_path)


def test_a_daemon_does_not_replace_a_key_that_it_may_not_use(tmp_path: Path) -> None:
    daemon_pair(tmp_path)
    (tmp_path / "daemon.key_secret").chmod(0o644)

    with pytest.raises(Denied, match="chmod go="):
        daemon_pair(tmp_path)


# ---------------------------------------------------------------- whom we trust


@pytest.mark.parametrize(
    ("text", "ctl", "blob"),
    [
        ("tcp://box:5757", "tcp://box:5757", "tcp://box:5758"),
        ("192.168.1.7:1", "tcp://192.168.1.7:1", "tcp://192.168.1.7:2"),
        ("tcp://[fe80::1]:65534", "tcp://[fe80::1]:65534", "tcp://[fe80::1]:65535"),
    ],
)
def test_pictures_come_at_the_next_port(text: str, ctl: str, blob: str) -> None:
    address = parse_address(text)

    assert (str(address), address.blob) == (ctl, blob)


@pytest.mark.parametrize(
    "text",
    ["", "box", "box:", "box:0", "box:65535", "tcp://box:5757/x", "ipc://x", "a\0b:1", "a b:1", "x" * 9999, "é:1"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"is no address of a daemon: write tcp://HOST:PORT\."):
        parse_address(text)


def test_a_daemon_is_known_by_its_address(tmp_path: Path) -> None:
    box = parse_address("tcp://box:5757")
    with pytest.raises(NotFound, match="imagineer keys trust tcp://box:5757 'KEY'"):
        trusted(tmp_path, box)

    trust(tmp_path, box, BOB.public)

    assert trusted(tmp_path, box) == BOB.public


def test_this_machine_has_a_name_that_can_name_a_key(tmp_path: Path) -> None:
    authorize(tmp_path, AuthorizedKey(machine_name(), "viewer", BOB.public))
