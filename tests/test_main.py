"""`imagineerd` from the outside: what it prints and how it leaves."""

from __future__ import annotations

import signal
import sys

import pytest
from house import House

from imagineerd.version import VERSION


def run(house: House, *arguments: str) -> tuple[int, str, str]:
    house.command = (sys.executable, "-P", "-m", "imagineerd", *arguments)
    ended = house.run()
    return ended.returncode, ended.stdout, ended.stderr


def test_it_tells_its_version(house: House) -> None:
    assert run(house, "--version") == (0, f"imagineerd {VERSION}\n", "")


def test_everything_that_is_wrong_in_the_configuration_is_told_with_its_line(house: House) -> None:
    house.configured(generation="{steps: 151}", hardwear="{device: cpu}")

    code, _, said = run(house)

    assert code == 2
    assert [line.split(":")[0] for line in said.splitlines()] == ["imagineerd", "imagineerd"]
    assert "line 1, generation.steps" in said
    assert 'Did you mean "hardware"?' in said


def test_a_socket_path_that_is_too_long_is_told(house: House) -> None:
    house.environ = {**house.environ, "IMAGINEER_RUNTIME_DIR": str(house.root / ("x" * 120))}

    code, _, said = run(house)

    assert code == 2
    assert "the system allows 107" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("level", ["loud", ""])
def test_an_unknown_log_level_is_refused(house: House, level: str) -> None:
    assert run(house, "--log-level", level)[0] == 2


def test_where_every_thread_stood_is_logged_when_the_watchdog_ends_it(house: House) -> None:
    house.start().end(signal.SIGABRT)

    assert "Fatal Python error: Aborted" in house.log()
    assert "in take_group" in house.log()


def test_it_starts_paused_when_it_is_told_to(house: House) -> None:
    house.command = (*house.command, "--paused")
    house.start()

    with house.client() as client:
        assert client.status().paused
