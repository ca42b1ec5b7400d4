"""The gate: real sockets, real CURVE, and every way in that is none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import zmq
from house import short_folder, wait_until

from imagineerd.network.access import Access
from imagineerd.network.gate import Gate, open_to
from imagineerd.network.key_files import Pair, draw
from imagineerd.network.keys import AuthorizedKey, authorize, daemon_pair, revoke
from imagineerd.sockets import router

ANNE, EVE = draw(), draw()
REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
WAIT_MS = 10_000


class Door:
    """A ROUTER on a Unix socket and a TCP address that echoes, and the gate before it, in a thread."""

    def __init__(self, folder: Path, *, gate: bool = True) -> None:
        authorize(folder, AuthorizedKey("anne", "operator", ANNE.public))
        self.folder = folder
        self.server_key = daemon_pair(folder).public
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.access = Access(folder)
        self.gate = Gate(self.context, self.access)
        self.works = gate
        self.echo = router(self.context, folder / "ctl.sock", 10_000)
        self.gate.guard(self.echo)
        open_to(self.echo, "tcp://127.0.0.1:*", daemon_pair(folder).secret)
        self.address = self.echo.getsockopt_string(zmq.LAST_ENDPOINT)
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._echo), threading.Thread(target=self._keep_gate)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        self.echo.disable_monitor()
        self.echo.close()
        self.gate.close()
        self.context.term()

    def _echo(self) -> None:
        while not self._ended.is_set():
            if self.echo.poll(20):
                self.echo.send_multipart(self.echo.recv_multipart())

    def _keep_gate(self) -> None:
        if self.works:
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        tasks = [asyncio.create_task(self.gate.serve()), asyncio.create_task(self.gate.watch())]
        await asyncio.to_thread(self._ended.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Knocker:
    """A DEALER with whatever keys it likes."""

    def __init__(self, address: str, server_key: str = "", pair: Pair | None = None) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, WAIT_MS)
        self.socket.setsockopt(zmq.SNDTIMEO, WAIT_MS)
        if pair is not None:
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, server_key.encode())
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, pair.public.encode())
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret.encode())
        self.monitor = self.socket.get_monitor_socket(REFUSED)
        self.socket.connect(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.disable_monitor()
        self.context.destroy(linger=0)

    def comes_in(self) -> bool:
        """Say whether a message is answered; False as soon as the handshake has failed."""
        with contextlib.suppress(zmq.Again):  # refused already
            self.socket.send(b"knock", zmq.NOBLOCK)
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.monitor, zmq.POLLIN)
        ready = dict(poller.poll(WAIT_MS))
        assert ready, "Neither an answer nor a refusal came."
        return self.socket in ready


@pytest.fixture
def folder() -> Iterator[Path]:
    path = short_folder()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def door(folder: Path) -> Iterator[Door]:
    with Door(folder) as door:
        yield door


def comes_in(door: Door, pair: Pair | None, server_key: str = "") -> bool:
    with Knocker(door.address, server_key or door.server_key, pair) as knocker:
        return knocker.comes_in()


def test_an_authorized_key_comes_in(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    assert comes_in(door, ANNE)
    assert [record.pairs["key"] for record in caplog.records if record.message == "A client came in."] == ["anne"]  # type: ignore[attr-defined]


def test_another_key_does_not_and_that_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    assert not comes_in(door, EVE)

    (record,) = caplog.records
    assert record.message == "A key that is not authorized was refused."
    assert record.pairs == {"address": "127.0.0.1", "key": EVE.public}  # type: ignore[attr-defined]


def test_a_client_without_curve_does_not_come_in_and_that_is_logged(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    # One that leaves before it was looked at is not logged: it knocks again.
    wait_until(lambda: not comes_in(door, None) and "A client without CURVE was refused." in caplog.text)


def test_a_client_that_takes_another_for_the_daemon_does_not_come_in_and_that_is_logged(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    said = "A client that takes another key for the daemon's was refused."
    wait_until(lambda: not comes_in(door, ANNE, EVE.public) and said in caplog.text)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n" * 9, b"\xff" * 200, b"\0" * 200, os.urandom(5000)])
def test_a_stranger_that_speaks_something_else_harms_nobody(door: Door, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(door.address.rpartition(":")[2]))) as stranger:
        stranger.sendall(said)
        stranger.settimeout(WAIT_MS / 1000)
        with contextlib.suppress(ConnectionResetError):
            while stranger.recv(4096):
                pass

    assert comes_in(door, ANNE)


def test_the_unix_socket_asks_for_no_key(door: Door) -> None:
    with Knocker(f"ipc://{door.folder}/ctl.sock") as knocker:
        assert knocker.comes_in()


def test_the_unix_socket_speaks_no_curve(door: Door) -> None:
    with Knocker(f"ipc://{door.folder}/ctl.sock", door.server_key, ANNE) as knocker:
        assert not knocker.comes_in()


def test_a_key_comes_in_as_soon_as_it_is_authorized(door: Door) -> None:
    assert not comes_in(door, EVE)

    authorize(door.folder, AuthorizedKey("eve", "viewer", EVE.public))

    assert comes_in(door, EVE)


def test_a_revoked_key_does_not_come_in_again(door: Door) -> None:
    assert comes_in(door, ANNE)

    revoke(door.folder, "anne")

    assert not comes_in(door, ANNE)


def test_while_nobody_answers_for_the_gate_nobody_comes_in(folder: Path) -> None:
    with Door(folder, gate=False) as door:
        assert not comes_in(door, ANNE)


def test_once_the_gate_is_gone_nobody_comes_in(folder: Path) -> None:
    with Door(folder, gate=False) as door:
        door.gate.close()

        assert not comes_in(door, ANNE)


def test_a_fault_of_ours_is_a_refusal_and_the_gate_stays(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(door.access, "knows", lambda _: 1 / 0)
        assert not comes_in(door, ANNE)

    assert "A connection was refused because of a fault of ours." in caplog.text
    assert comes_in(door, ANNE)


@pytest.mark.parametrize(
    "question",
    [
        [b""],
        [b"", b"1.0"],
        [b"", b"1.0", b"7", b"imagineer", b"::1", b"", b"NULL"],
        [b"", b"1.0", b"7", b"imagineer", b"::1", b"", b"PLAIN", b"anne", b"secret"],
        [b"", b"2.0", b"7", b"imagineer", b"::1", b"", b"CURVE", b"\0" * 32],
        [b"", b"1.0", b"7", b"elsewhere", b"::1", b"", b"CURVE", b"\0" * 32],
        [b"", b"1.0", b"7", b"imagineer", b"::1", b"", b"CURVE", b"\0" * 31],
        [b"", b"1.0", b"7", b"imagineer", b"::1", b"", b"CURVE"],
        [b"", b"1.0", b"7", b"imagineer", b"\xff\x1b", b"", b"CURVE", b"\0" * 32],
    ],
)
def test_a_question_of_another_kind_is_refused(door: Door, question: list[bytes]) -> None:
    with door.context.socket(zmq.DEALER) as libzmq:
        libzmq.setsockopt(zmq.LINGER, 0)
        libzmq.setsockopt(zmq.RCVTIMEO, WAIT_MS)
        libzmq.connect("inproc://zeromq.zap.01")
        libzmq.send_multipart(question)

        answer = libzmq.recv_multipart()
        assert b"200" not in answer
        assert b"400" in answer


def test_a_flood_of_strangers_is_refused_in_few_lines(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        assert not comes_in(door, EVE)

    assert len(caplog.records) < 5
    assert comes_in(door, ANNE)
