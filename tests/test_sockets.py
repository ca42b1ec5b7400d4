"""The listening sockets: one daemon, an address that nobody steals, and nobody else who reads."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from house import ROOT, short_folder

from imagineerd.errors import WrongState
from imagineerd.sockets import is_held, listen, lock, router


@pytest.fixture
def folder() -> Iterator[Path]:
    path = short_folder()
    yield path
    shutil.rmtree(path)


def test_a_lock_can_be_taken_once_and_names_its_holder(folder: Path) -> None:
    held = lock(folder / "daemon.lock")

    with pytest.raises(WrongState, match=rf"pid {os.getpid()}\) holds {folder}/daemon.lock"):
        lock(folder / "daemon.lock")
    os.close(held)


def test_a_lock_ends_with_its_process_however_it_ends(folder: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from imagineerd.sockets import lock\n"
        "lock(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(folder / "daemon.lock")]
    subprocess.run(command, cwd=ROOT, check=False)

    held = lock(folder / "daemon.lock")

    assert (folder / "daemon.lock").read_text() == f"{os.getpid()}\n"
    os.close(held)


def test_who_looks_whether_a_lock_is_held_does_not_take_it(folder: Path) -> None:
    assert not is_held(folder / "daemon.lock")
    held = lock(folder / "daemon.lock")
    assert is_held(folder / "daemon.lock")

    os.close(held)

    assert not is_held(folder / "daemon.lock")
    os.close(lock(folder / "daemon.lock"))


def test_a_shorter_pid_leaves_nothing_of_a_longer_one(folder: Path) -> None:
    (folder / "daemon.lock").write_text("123456789012\n")

    os.close(lock(folder / "daemon.lock"))

    assert (folder / "daemon.lock").read_text() == f"{os.getpid()}\n"


def test_nobody_else_may_connect_whatever_the_umask_says(folder: Path) -> None:
    before = os.umask(0)
    try:
        listener = listen(folder / "ctl.sock")
    finally:
        restored = os.umask(before)

    with listener:
        assert stat.S_IMODE((folder / "ctl.sock").stat().st_mode) == 0o600
        assert restored == 0


def test_what_a_killed_daemon_left_is_replaced(folder: Path) -> None:
    listen(folder / "ctl.sock").close()
    assert (folder / "ctl.sock").exists()

    with listen(folder / "ctl.sock"), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "ctl.sock"))


def test_a_router_listens_there_and_a_dealer_is_answered(folder: Path) -> None:
    context = zmq.Context()
    server = router(context, folder / "ctl.sock", 1000)
    with zmq.Context() as other, other.socket(zmq.DEALER) as client:
        client.connect(f"ipc://{folder}/ctl.sock")
        client.send(b"hello")
        address, body = server.recv_multipart()
        server.send_multipart([address, body + b" yourself"])

        assert client.recv() == b"hello yourself"
    server.close()
    context.term()


def test_a_router_tells_that_nobody_is_there_instead_of_dropping(folder: Path) -> None:
    context = zmq.Context()
    server = router(context, folder / "ctl.sock", 1000)

    with pytest.raises(zmq.ZMQError) as caught:
        server.send_multipart([b"nobody", b"hello"], zmq.NOBLOCK)

    assert caught.value.errno == zmq.EHOSTUNREACH
    server.close()
    context.term()
