"""The daemon under a service manager: real processes, a real notification socket, the fake worker."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from house import House, short_folder, wait_until
from manager import Manager, Told

from imagineerd.protocol import Settings, Worker
from imagineerd.service.duties import DRAIN_S, status_line

BEAT_S = 0.1
QUIET_S = 1.0
"""Ten beats: who says nothing for so long is silent."""
SLOW = Settings(steps=100)


@pytest.fixture
def manager() -> Iterator[Manager]:
    folder = short_folder()
    manager = Manager(str(folder / "notify"))
    yield manager
    manager.close()
    (folder / "notify").unlink()
    folder.rmdir()


@pytest.fixture
def served(house: House, manager: Manager) -> House:
    """A daemon that its manager has been told is ready, with a watchdog."""
    watchdog = {"WATCHDOG_USEC": str(int(2 * BEAT_S * 1e6))}
    house.environ = {**house.environ, **manager.environ, **watchdog}
    return house.with_fake_worker().start()


def has(name: str, text: str = "") -> Callable[[Told], bool]:
    return lambda told: text in told.get(name, "") and name in told


# ---------------------------------------------------------------- telling how it is


def test_it_is_ready_when_it_answers(served: House, manager: Manager) -> None:
    told = manager.until(has("READY"))

    assert told[-1] == {"READY": "1"}
    assert "Ready." in wait_until(lambda: "Ready." in served.log() and served.log())


def test_the_status_follows_worker_and_queue_and_is_not_repeated(served: House, manager: Manager) -> None:
    manager.until(has("STATUS", "0 waiting, 0 running; worker idle"))
    with served.client() as client:
        batch = client.deal("zodiac", "SLOW", SLOW).batch.id
        told = manager.until(has("STATUS", "worker working"))
        client.cancel(batch_id=batch)
        told += manager.until(has("STATUS", "0 waiting, 0 running; worker idle"))

    lines = [one["STATUS"] for one in told if "STATUS" in one]
    assert all(line != following for line, following in pairwise(lines))


def test_the_status_is_one_line_whatever_the_worker_says() -> None:
    broken = Worker(phase="dead", detail="It left.\nIts last line:\n  no driver")

    assert (
        status_line(broken, 54, 0, paused=False)
        == "54 waiting, 0 running; worker dead (It left. Its last line: no driver)"
    )


def test_stopping_is_told_and_the_running_cards_go_back(served: House, manager: Manager) -> None:
    with served.client() as client:
        batch = client.deal("zodiac", "SLOW", SLOW).batch.id
        wait_until(lambda: client.status().jobs.get("running"))

    assert served.stop() == 0

    assert manager.until(has("STOPPING"))[-1] == {
        "STOPPING": "1",
        "EXTEND_TIMEOUT_USEC": str(int(DRAIN_S * 1e6)),
    }
    with closing(sqlite3.connect(served.paths.database)) as database:
        states = database.execute("SELECT DISTINCT state, attempts FROM job WHERE batch = ?", [batch]).fetchall()
    assert states == [("queued", 0)]


# ---------------------------------------------------------------- the watchdog


def test_the_watchdog_is_fed_while_the_worker_hangs(served: House, manager: Manager) -> None:
    with served.client() as client:
        client.generate("HANG")
        manager.until(has("STATUS", "1 running"))

    for _ in range(5):
        manager.until(has("WATCHDOG"))


def test_the_watchdog_starves_while_the_writer_waits_and_is_fed_again(served: House, manager: Manager) -> None:
    with closing(sqlite3.connect(served.paths.database, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        manager.until_quiet("WATCHDOG", QUIET_S)
        os.kill(served.pid, signal.SIGHUP)  # the loop itself lives: it answers this
        manager.until(has("RELOADING"))
        intruder.execute("ROLLBACK")

    manager.until(has("WATCHDOG"))


def test_the_watchdog_starves_while_the_loop_stands_still(served: House, manager: Manager) -> None:
    manager.until(has("WATCHDOG"))
    os.kill(served.pid, signal.SIGSTOP)
    try:
        manager.until_quiet("WATCHDOG", QUIET_S)
    finally:
        os.kill(served.pid, signal.SIGCONT)

    manager.until(has("WATCHDOG"))


def test_without_a_watchdog_there_are_no_beats(house: House, manager: Manager) -> None:
    house.environ = {**house.environ, **manager.environ}
    house.with_fake_worker().start().stop()

    assert not any("WATCHDOG" in told for told in manager.until(has("STOPPING")))


# ---------------------------------------------------------------- reloading


def reload(house: House, manager: Manager) -> None:
    """Send SIGHUP and wait for the end of the reload."""
    os.kill(house.pid, signal.SIGHUP)
    assert int(manager.until(has("RELOADING"))[-1]["MONOTONIC_USEC"]) > 0
    manager.until(has("READY"))


def test_a_reload_applies_at_once_what_can_be_and_names_what_waits(served: House, manager: Manager) -> None:
    manager.until(has("READY"))
    served.configured(generation="{steps: 7}", hardware="{threads: 1}")

    reload(served, manager)

    with served.client() as client:
        assert client.plan("zodiac").cards[0].steps == 7
        assert client.config().restart_needed
    assert "The configuration was read again." in served.log()
    assert "hardware.threads" in served.log()


def test_a_reload_of_a_broken_file_keeps_the_old_configuration_and_logs_every_problem(
    served: House, manager: Manager
) -> None:
    manager.until(has("READY"))
    served.configured(generation="{steps: 7}")
    reload(served, manager)
    served.configured(generation="{steps: 151}", hardwear="{device: cpu}")

    reload(served, manager)

    with served.client() as client:
        assert client.plan("zodiac").cards[0].steps == 7
    said = [line for line in served.log().splitlines() if "The configuration stays as it was" in line]
    assert len(said) == 2
    assert "line 1, generation.steps" in said[0]
    assert 'Did you mean "hardware"?' in said[1]
