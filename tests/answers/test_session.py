"""Saying hello, and the status, asked of a real daemon."""

from __future__ import annotations

import pytest
from house import House

from imagineerd import protocol
from imagineerd.answers.session import welcome
from imagineerd.client import Client
from imagineerd.errors import VersionMismatch
from imagineerd.jobs import State
from imagineerd.network.access import Peer
from imagineerd.protocol import decode_request, encode
from imagineerd.server import Client as Caller


def test_a_client_of_a_later_version_is_told_what_the_daemon_speaks(client: Client) -> None:
    with pytest.raises(VersionMismatch, match=r"^This daemon speaks protocol 1, the client 2 to 3: update the older"):
        client.ask(protocol.Hello(proto_min=2, proto_max=3))


def test_a_client_that_speaks_several_versions_is_answered_with_the_daemon_s(client: Client) -> None:
    assert client.ask(protocol.Hello(proto_min=1, proto_max=9)).proto == 1


def test_a_client_of_today_is_told_by_a_daemon_of_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 says hello without naming its version: that must mean 1 for ever."""
    today = decode_request("hello", encode(protocol.Hello(client="of today"))[1])
    monkeypatch.setattr(protocol, "VERSION", 2)

    with pytest.raises(VersionMismatch, match="speaks protocol 2, the client 1 to 1"):
        welcome(today, Caller(b"", Peer("admin")), epoch="", boot="")


def test_the_status_says_how_the_daemon_is(client: Client, faking: House) -> None:
    status = client.status()

    assert status.pid == faking.pid
    assert (status.model.name, status.model.base) == ("starter", "starter")
    assert set(status.jobs) == {state.value for state in State}
    assert status.data_dir == str(faking.paths.data_dir)
    assert status.disk_free > 0
