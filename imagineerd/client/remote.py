"""The addresses of a daemon on another machine: over the network by a key, or through ssh (`tunnel.py`)."""

from __future__ import annotations

from pathlib import Path

from imagineerd.client.clients import Endpoints
from imagineerd.client.dealer import Curve
from imagineerd.network.keys import client_pair, parse_address, trusted


def over_network(keys_dir: Path, text: str) -> Endpoints:
    """Return the addresses of the daemon at `tcp://HOST:PORT`, with the keys to it.

    Raises `Invalid`, and `NotFound` where we have no key or do not know the daemon's, `Denied` for files that others
    could have touched.
    """
    address = parse_address(text)
    pair = client_pair(keys_dir)
    curve = Curve(trusted(keys_dir, address), pair.public, pair.secret)
    return Endpoints(str(address), address.blob, curve, str(address))
