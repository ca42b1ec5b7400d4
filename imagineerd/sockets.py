"""Make the daemon's listening sockets, and see to it that there is one daemon.

libzmq's own `ipc://` bind unlinks a live socket and takes its address (`zmq_ipc(7)`). So the lock comes first, then a
listening socket of our own, mode 0600, which libzmq is handed by `ZMQ_USE_FD`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from pathlib import Path

import zmq

from imagineerd.errors import WrongState

BACKLOG = 128
HIGH_WATER_MARK = 2000
"""Messages that may wait for one client before it counts as lagging; libzmq counts messages, not bytes."""


def lock(path: Path) -> int:
    """Take the lock file and write our pid into it; return the descriptor that holds it.

    Raises `WrongState` where another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise WrongState(
            f"Another imagineerd (pid {holder}) holds {path}; stop it with `imagineer stop`, or name another folder."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def is_held(path: Path) -> bool:
    """Say whether a process holds the lock file: a process that ended holds none, though nobody reaped it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def listen(path: Path) -> socket.socket:
    """Return a listening unix socket at `path`, for its owner alone. A stale file is replaced: hold the lock."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener


def router(
    context: zmq.Context[zmq.Socket[bytes]], path: Path, max_frame: int, waiting: int = HIGH_WATER_MARK
) -> zmq.Socket[bytes]:
    """Return a ROUTER bound to `path`. It refuses frames over `max_frame` bytes and never drops in silence.

    `waiting` is how many messages may wait for one client.
    """
    sock = context.socket(zmq.ROUTER)
    sock.setsockopt(zmq.ROUTER_MANDATORY, 1)
    sock.setsockopt(zmq.MAXMSGSIZE, max_frame)
    sock.setsockopt(zmq.SNDHWM, waiting)
    sock.setsockopt(zmq.LINGER, 1000)
    sock.setsockopt(zmq.USE_FD, listen(path).detach())
    sock.bind(f"ipc://{path}")
    return sock
