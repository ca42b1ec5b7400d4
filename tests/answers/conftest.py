"""A client of a daemon with the fake worker that serves all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from house import House

from imagineerd.client import Client


@pytest.fixture
def client(faking: House) -> Iterator[Client]:
    with faking.client() as client:
        yield client


@pytest.fixture
def paused(client: Client) -> Iterator[Client]:
    """A client of a daemon whose queue is paused and empty."""
    client.pause()
    yield client
    waiting = [job.id for job in client.queue(1000).jobs]
    if waiting:
        client.cancel(waiting)
    client.resume()
