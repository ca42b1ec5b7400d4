"""Tell the service manager how we are: sd_notify(3) in plain Python.

A datagram of `NAME=value` lines goes to the unix socket that `$NOTIFY_SOCKET` names. Without one nothing happens.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

log = logging.getLogger("imagineerd.notify")


def tell(*lines: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send lines in one datagram. A manager that does not take it is logged: we never wait for it, nor end for it."""
    name = environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, address)
        except OSError as error:
            log.warning("The service manager was not told %s (%s).", lines[0], error.strerror)


def beat_every(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return the seconds between two beats: half of what the watchdog allows, as sd_watchdog_enabled(3) advises.

    None where no watchdog waits for this process.
    """
    allowed = environ.get("WATCHDOG_USEC", "")
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(allowed) / 2e6 if ours and allowed.isdecimal() and int(allowed) else None


def reloading() -> None:
    """Say that a reload begins; `READY=1` ends it. The time, in microseconds, is what tells this one from another."""
    tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping(seconds: float) -> None:
    """Say that the end has begun, and that it may take so many seconds from now, whatever the unit allows."""
    tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}")
