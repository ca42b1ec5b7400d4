"""Find the daemon, or start one that outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Final, NoReturn

import zmq

from imagineerd.client.clients import Client, endpoints_of
from imagineerd.client.dealer import Line
from imagineerd.client.session import Session
from imagineerd.config import Paths
from imagineerd.errors import DaemonAway, DiskError, Problem

START_S: Final = 20.0
"""Seconds that a daemon may take from its start to its first answer."""
POLL_S: Final = 0.1
LAST_LINES: Final = 5
"""Lines of the log that are told where a daemon does not start."""

COMMAND: Final = (sys.executable, "-P", "-m", "imagineerd")
"""`-P`, so that nothing in the folder where it is started can be imported."""


def connect(
    paths: Paths,
    *,
    start: bool = False,
    started: Callable[[int], None] | None = None,
    name: str = "",
) -> Client:
    """Return a client of a daemon that answers. Raises `DaemonAway`.

    With `start`, one is started where none answers; `started` is told its pid.
    """
    try:
        return Client.connect(paths, name=name)
    except DaemonAway:
        if not start:
            raise
    pid = start_daemon(paths)
    if started:
        started(pid)
    return Client.connect(paths, name=name)


def start_daemon(paths: Paths, command: Sequence[str] = (), timeout: float = START_S) -> int:
    """Start a daemon in a session of its own and wait until it answers; return its pid.

    `command` stands in for `COMMAND`. What it prints goes to `paths.log_file`. Raises `DaemonAway` with the last of it
    where the daemon does not come up.
    """
    log = _open_log(paths.log_file)
    try:
        before = os.fstat(log).st_size
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            command or COMMAND,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env=_environment(paths),
        )
    finally:
        os.close(log)
    if not _answers(paths, process, timeout):
        _give_up(process, paths.log_file, before, timeout)
    # Whoever started it may outlive it: reaped at its end, it does not stay behind as a zombie.
    Thread(target=process.wait, daemon=True).start()
    return process.pid


def _open_log(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DiskError(f"The daemon's log {path} cannot be written ({error.strerror}).") from None


def _environment(paths: Paths) -> dict[str, str]:
    """Return our environment with these very paths in it, also where this is a checkout that is not installed."""
    environ = {
        **os.environ,
        "HOME": str(paths.home),
        "IMAGINEER_CONFIG": str(paths.config_file),
        "IMAGINEER_DATA_DIR": str(paths.data_dir),
        "IMAGINEER_RUNTIME_DIR": str(paths.runtime_dir),
    }
    root = Path(__file__).resolve().parents[2]
    if root.name != "site-packages":
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    return environ


def _answers(paths: Paths, process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Wait until a daemon says welcome; False where ours ended or the time is over.

    Where another one came up at the same moment, ours ends and that one answers.
    """
    end = monotonic() + timeout
    with zmq.Context() as context:
        line = Line(context, endpoints_of(paths).ctl, Session())
        try:
            while line.session.welcome is None and monotonic() < end and (process.poll() is None or not line.refused):
                line.wait(POLL_S)
            return line.session.welcome is not None
        finally:
            line.close()


def _give_up(process: subprocess.Popen[bytes], log_file: Path, before: int, timeout: float) -> NoReturn:
    if process.poll() is None:
        raise DaemonAway(
            f"imagineerd (pid {process.pid}) was started, but does not answer after {timeout:g} s: see {log_file}."
        )
    with log_file.open("rb") as log:
        log.seek(before)
        said = log.read().decode(errors="replace").splitlines()
    problems = [Problem(line) for line in said[-LAST_LINES:]]
    raise DaemonAway(
        f"imagineerd did not start (exit {process.returncode}); the end of its log {log_file}:", problems=problems
    )
