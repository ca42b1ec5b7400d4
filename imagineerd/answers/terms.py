"""Whose a request is, and how the jobs that come of it are taken in."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from imagineerd import protocol
from imagineerd.jobs import A_FEW, BACKGROUND, INTERACTIVE
from imagineerd.server import Client
from imagineerd.store.intake import Idem, Terms


def who(client: Client) -> str:
    """Return whose turns new jobs take."""
    return f"{client.peer.user}:{client.name}"


def idem_of(request: Any, client: Client) -> Idem:
    """Return under what the answer to a request is remembered, and a hash of what was asked."""
    digest = hashlib.sha256(msgspec.msgpack.encode(request)).digest()
    return client.peer.user, request.idem, digest


def terms_of(request: protocol.Submit, client: Client, pictures: int | None = None) -> Terms:
    """Return how new jobs are taken in; `pictures` is how many somebody waits for, None for those of a deck."""
    usual = BACKGROUND if pictures is None or pictures > A_FEW else INTERACTIVE
    priority = usual if request.priority is None else request.priority
    return Terms(client=who(client), priority=priority, hold=request.hold)
