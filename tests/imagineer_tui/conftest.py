"""Tests of the terminal UI may be coroutines; each gets a loop of its own."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Deck, FakeDaemon
from house import short_folder
from piloting import answers


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets and everything else."""
    folder = short_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def deck() -> Deck:
    """Three cards to deal."""
    return Deck()


@pytest.fixture
def daemon(folder: Path, deck: Deck) -> Iterator[FakeDaemon]:
    """A fake daemon with three sets, whose sockets lie in `folder`."""
    with FakeDaemon(folder, answers(deck)) as daemon:
        deck.daemon = daemon
        yield daemon
