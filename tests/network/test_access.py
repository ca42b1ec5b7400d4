"""Roles, and who may still be here: decided in one place, from the folder as it is."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import zmq

from imagineerd.errors import Denied
from imagineerd.network.access import Access, Peer
from imagineerd.network.key_files import draw
from imagineerd.network.keys import ROLES, AuthorizedKey, authorize, authorized_folder, revoke
from imagineerd.protocol import REQUESTS, ROLE_OF

ANNE = AuthorizedKey("anne", "operator", draw().public)


class Frame:
    """A frame that came over a connection with these properties."""

    def __init__(self, **properties: str) -> None:
        self._properties = {name.replace("_", "-"): value for name, value in properties.items()}

    def get(self, name: str) -> str:
        if name not in self._properties:
            raise zmq.ZMQError(zmq.EINVAL)
        return self._properties[name]


def frame(**properties: str) -> Any:
    return Frame(**properties)


@pytest.fixture
def access(tmp_path: Path) -> Access:
    authorize(tmp_path, ANNE)
    access = Access(tmp_path)
    access.refresh()
    return access


# ---------------------------------------------------------------- roles


def test_every_request_has_a_role() -> None:
    assert set(ROLE_OF) == set(REQUESTS), "Give the new request its role in ROLE_OF of imagineerd/protocol.py."


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_role_may_do_what_it_takes_and_all_that_lesser_ones_may(access: Access, kind: str) -> None:
    for role in ROLES:
        peer = Peer(role, key="k", name="anne")
        if ROLES.index(role) >= ROLES.index(ROLE_OF[kind]):
            access.check(peer, kind)
        else:
            with pytest.raises(Denied, match=f'^"{kind}" takes the role {ROLE_OF[kind]}, and the key "anne" has'):
                access.check(peer, kind)


def test_who_looks_changes_nothing() -> None:
    harmless = {kind for kind, role in ROLE_OF.items() if role == "viewer"}

    assert not harmless & {"deal", "generate", "reroll", "complete", "cancel", "retry", "pick", "config_set", "stop"}


def test_a_request_that_nobody_gave_a_role_is_for_admins(access: Access) -> None:
    access.check(Peer("admin"), "of_tomorrow")

    with pytest.raises(Denied):
        access.check(Peer("operator", name="anne"), "of_tomorrow")


def test_refusals_are_logged_and_do_not_fill_the_log(access: Access, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(100):
        with pytest.raises(Denied):
            access.check(Peer("viewer", name="eve"), "deal")

    (record,) = caplog.records
    assert (record.message, record.pairs) == (  # type: ignore[attr-defined]
        "A request was refused.",
        {"key": "eve", "role": "viewer", "kind": "deal"},
    )


# ---------------------------------------------------------------- who speaks


def test_who_comes_by_the_unix_socket_is_its_owner(access: Access) -> None:
    assert access.peer(frame(Peer_Address="localhost:1000:100:4711")) == Peer("admin", uid=1000, pid=4711)


def test_who_comes_by_the_unix_socket_cannot_give_himself_another_name(access: Access) -> None:
    assert access.peer(frame(Peer_Address="localhost:1000:100:4711", User_Id=ANNE.public)).user == "1000"


def test_who_comes_by_the_network_is_known_by_the_key_that_the_gate_noted(access: Access) -> None:
    peer = access.peer(frame(Peer_Address="192.168.1.7", User_Id=ANNE.public))

    assert peer == Peer("operator", key=ANNE.public, name="anne")
    assert peer.user == ANNE.public


@pytest.mark.parametrize("address", ["192.168.1.7", "::1", "1:2::3", "fe80:0:1:2", "localhost.evil:0:0:0", "", "0:0:0"])
def test_who_comes_by_the_network_without_a_key_is_nobody(access: Access, address: str) -> None:
    with pytest.raises(Denied, match="not authorized"):
        access.peer(frame(Peer_Address=address))


def test_a_connection_without_any_property_is_nobody_s(access: Access) -> None:
    with pytest.raises(Denied):
        access.peer(frame())


# ---------------------------------------------------------------- changes of the folder


def test_a_revoked_key_is_nobody_s_after_the_next_look(tmp_path: Path, access: Access) -> None:
    peer = access.peer(frame(Peer_Address="::1", User_Id=ANNE.public))
    told = []
    access.on_change = lambda: told.append(access.admits(peer))

    revoke(tmp_path, "anne")
    access.refresh()
    access.refresh()

    assert told == [False]
    with pytest.raises(Denied):
        access.peer(frame(Peer_Address="::1", User_Id=ANNE.public))


def test_a_new_role_counts_after_the_next_look(tmp_path: Path, access: Access) -> None:
    authorize(tmp_path, AuthorizedKey("anne", "admin", ANNE.public))
    access.refresh()

    assert access.peer(frame(Peer_Address="::1", User_Id=ANNE.public)).role == "admin"


@pytest.mark.parametrize("opened", ["", "anne.key"])
def test_a_mode_that_lets_others_in_counts_as_a_change(
    tmp_path: Path, access: Access, opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    (authorized_folder(tmp_path) / opened).chmod(0o777)
    access.refresh()

    assert access.knows(ANNE.public) is None
    assert "A key lets nobody in" in caplog.text


def test_the_owner_is_never_sent_away(access: Access) -> None:
    assert access.admits(Peer("admin", uid=1000))
