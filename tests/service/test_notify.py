"""Telling the service manager: both kinds of sockets, none at all, and one that nobody listens on."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import short_folder
from manager import Manager

from imagineerd.service import notify


@pytest.fixture
def folder() -> Iterator[Path]:
    path = short_folder()
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, folder: Path) -> Iterator[Manager]:
    name = f"{folder}/notify" if request.param == "path" else f"@imagineer-{secrets.token_hex(8)}"
    manager = Manager(name)
    yield manager
    manager.close()


def test_lines_arrive_in_one_datagram(manager: Manager) -> None:
    notify.tell("READY=1", "STATUS=2 waiting", environ=manager.environ)

    assert manager.until(bool) == [{"READY": "1", "STATUS": "2 waiting"}]


def test_a_reload_carries_the_time_in_microseconds(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.environ["NOTIFY_SOCKET"])
    before = time.monotonic_ns() // 1000
    notify.reloading()

    (told,) = manager.until(bool)

    assert told["RELOADING"] == "1"
    assert before <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_stopping_asks_for_its_time(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.environ["NOTIFY_SOCKET"])
    notify.stopping(1.5)

    assert manager.until(bool) == [{"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "1500000"}]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_a_manager_nothing_happens(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    notify.tell("READY=1", environ=environ)

    assert not caplog.records


def test_a_manager_that_is_gone_is_logged_and_no_more(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    notify.tell("READY=1", environ={"NOTIFY_SOCKET": str(folder / "nobody")})

    assert "was not told READY=1 (No such file or directory)" in caplog.text


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_asks(environ: dict[str, str], seconds: float | None) -> None:
    assert notify.beat_every(environ) == seconds
