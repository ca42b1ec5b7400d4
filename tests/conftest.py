"""Fixtures of real parts: a daemon process with its own directories."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_engine import docker_engine
from house import House, short_folder
from hypothesis import settings
from labeler import build_stand_in

settings.register_profile("any speed", deadline=None)  # a busy machine is no failure
settings.load_profile("any speed")
# An app makes tens of thousands of objects: at the thresholds of Python a fifth of the time of its tests goes there.
gc.set_threshold(50_000, 20, 50)

# The folders of whoever runs the tests are none of theirs.
for name in [name for name in os.environ if name.startswith("XDG_")]:
    del os.environ[name]
# Several processes share the cores: a thread of torch that waits for another one must not spin on its core meanwhile.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture
def house() -> Iterator[House]:
    """Directories, and no daemon yet."""
    house = House(short_folder())
    yield house
    house.close()


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """A daemon with the real worker that runs for all tests of a module."""
    house = House(short_folder()).configured()
    yield house.start()
    house.close()


@pytest.fixture(scope="module")
def faking() -> Iterator[House]:
    """A daemon with the fake worker that runs for all tests of a module."""
    house = House(short_folder()).with_fake_worker()
    yield house.start()
    house.close()


@pytest.fixture(scope="session")
def docker_socket() -> Iterator[Path]:
    """The socket of a real Docker engine that has the labeler's stand-in."""
    with docker_engine() as socket:
        build_stand_in(socket)
        yield socket
