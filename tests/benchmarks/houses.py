"""Daemons to measure: real processes in short folders of their own, with the real worker or an idle one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from imagineerd.client import Client, Endpoints, endpoints_of
from imagineerd.config import Paths, find_paths

HERE = Path(__file__).resolve().parent
WAIT_S = 90.0
REAL = (sys.executable, "-P", "-m", "imagineerd")
IDLE = (sys.executable, str(HERE / "idle_daemon.py"))
"""A daemon whose worker takes orders and never draws."""


class House:
    """The folders of one daemon, and the process in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {
            **os.environ,
            "HOME": str(root),
            "XDG_CONFIG_HOME": str(root / "config"),
            "IMAGINEER_CONFIG": str(root / "config.yaml"),
            "IMAGINEER_DATA_DIR": str(root / "data"),
            "IMAGINEER_RUNTIME_DIR": str(root / "run"),
            "NO_COLOR": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def paths(self) -> Paths:
        """The paths as a daemon in this house finds them."""
        return find_paths(self.environ)

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of the daemon."""
        return endpoints_of(self.paths)

    def start(self, command: tuple[str, ...]) -> None:
        """Start the daemon and wait until its worker has a model, or until it is ready where it needs none."""
        with (self.root / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
        with self.client() as client:
            wait_for(lambda: client.status().worker.phase == "idle" and client.status().worker.model)

    def client(self) -> Client:
        """Return a connected client."""
        return Client.connect(self.paths, timeout=WAIT_S)

    def pictures(self) -> list[Path]:
        """Return the finished pictures."""
        return list((self.root / "data" / "outputs").glob("*/*.png"))

    def stop(self) -> None:
        """End the daemon."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
            self.process = None


@contextlib.contextmanager
def house(command: tuple[str, ...] = ()) -> Iterator[House]:
    """Give a house, with a daemon where a command is given, and take it down again."""
    root = Path(tempfile.mkdtemp(prefix="im-"))
    found = House(root)
    try:
        if command:
            found.start(command)
        yield found
    finally:
        found.stop()
        shutil.rmtree(root, ignore_errors=True)


def wait_for(done: Callable[[], object], pause: float = 0.05) -> None:
    """Look again and again until it is so. Raises `TimeoutError`."""
    end = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"Still not so after {WAIT_S:g} seconds.")
        time.sleep(pause)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
