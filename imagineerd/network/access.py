"""Who speaks, and what that one may do: the one place where roles are enforced.

A Unix socket is mode 0600, so who comes through it is the owner: `admin`. Everyone else came through the gate, which
notes the public key of the connection as the `User-Id` of its every message (rfc.zeromq.org/spec/27). That key must be
authorized at this moment, so revoking one ends what its owner has open.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import zmq

from imagineerd.errors import Denied
from imagineerd.logs import Seldom, pairs
from imagineerd.network.keys import ROLES, AuthorizedKey, authorized_folder, read_authorized
from imagineerd.protocol import ROLE_OF, Role

log = logging.getLogger("imagineerd.network")

_LOCAL: Final = re.compile(r"localhost(?::(\d+):\d*:(\d*))?")
"""How libzmq names the peer of a Unix socket: `localhost:uid:gid:pid`. That of a TCP socket is a numeric address."""
REVOKED: Final = "Your key is not authorized any more: ask whoever runs this daemon."


class Revoked(Denied):
    """Whoever speaks was let in, and may not be here any more."""

    def __init__(self) -> None:
        super().__init__(REVOKED)


Looks = tuple[tuple[str, int, int], ...]


class Peer(NamedTuple):
    """Who speaks: the owner of a Unix socket's other end, or of an authorized key (`key`, called `name`)."""

    role: Role
    uid: int = -1
    pid: int = -1
    key: str = ""
    name: str = ""

    @property
    def user(self) -> str:
        """Whom idempotency keys belong to."""
        return self.key or str(self.uid)


class Access:
    """Who may come in, as the folder of authorized keys says; `refresh` looks again.

    `on_change` is called when that was read anew.
    """

    def __init__(self, folder: Path) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._folder = folder
        self._keys: dict[str, AuthorizedKey] = {}
        self._seen: Looks | None = None
        self._refusals = Seldom(log)

    def refresh(self) -> None:
        """Read the folder again if anything in it has changed."""
        looks = _looks(authorized_folder(self._folder))
        if looks == self._seen:
            return
        self._seen = looks
        found = read_authorized(self._folder)
        self._keys = {key.public: key for key in found.keys}
        for problem in found.problems:
            log.warning("A key lets nobody in: %s", problem)
        log.info("Authorized keys were read.", extra=pairs(keys=len(found.keys)))
        self.on_change()

    def knows(self, public: str) -> AuthorizedKey | None:
        """Return whose key this is, None where it is nobody's."""
        return self._keys.get(public)

    def peer(self, frame: zmq.Frame) -> Peer:
        """Return who sent a frame. Raises `Revoked` where that one may not be here any more."""
        local = _LOCAL.fullmatch(_property(frame, "Peer-Address"))
        if local:
            return Peer("admin", int(local[1] or -1), int(local[2] or -1))
        key = self.knows(_property(frame, "User-Id"))
        if key is None:
            raise Revoked
        return Peer(key.role, key=key.public, name=key.name)

    def admits(self, peer: Peer) -> bool:
        """Say whether one who was let in may still be here."""
        return not peer.key or peer.key in self._keys

    def check(self, peer: Peer, kind: str) -> None:
        """Raise `Denied` where a request of this kind takes another role."""
        wanted = ROLE_OF.get(kind, "admin")
        if ROLES.index(peer.role) < ROLES.index(wanted):
            self._refusals.warning("A request was refused.", key=peer.name, role=peer.role, kind=kind)
            raise Denied(f'"{kind}" takes the role {wanted}, and the key "{peer.name}" has the role {peer.role}.')


def _property(frame: zmq.Frame, name: str) -> str:
    try:
        return str(frame.get(name))
    except zmq.ZMQError:  # the connection has no such property
        return ""


def _looks(folder: Path) -> Looks:
    """Return what shows that something in a folder has changed."""
    try:
        with os.scandir(folder) as entries:
            files = sorted(_look(entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
        return _look("", folder.stat()), *files
    except OSError:
        return ()


def _look(name: str, found: os.stat_result) -> tuple[str, int, int]:
    return name, found.st_ino, found.st_ctime_ns
