"""Real parts for the tests: the directories of one daemon, the process in them, and waiting for things to be so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from imagineerd.client import Client
from imagineerd.config import Paths, find_paths
from imagineerd.protocol import BatchDetail

T = TypeVar("T")
TESTS = Path(__file__).parent
ROOT = TESTS.parent
REAL = (sys.executable, "-P", "-m", "imagineerd", "--log-level", "debug")
START_S = 60.0
WAIT_S = 30.0


def wait_until(condition: Callable[[], T], seconds: float = WAIT_S) -> T:
    """Look again and again until the condition gives something true, and return that; fail after the deadline."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "What was waited for did not come."
        time.sleep(0.01)
    return found


def short_folder() -> Path:
    """Make a folder with a short path: those of sockets are limited to 107 bytes."""
    return Path(tempfile.mkdtemp(prefix="im-"))


def drawn(client: Client, batch: str) -> BatchDetail:
    """Wait until nothing of a batch is open; return it."""

    def finished() -> BatchDetail | None:
        detail = client.batch(batch)
        return None if {"queued", "running"} & detail.batch.states.keys() else detail

    return wait_until(finished)


class House:
    """Directories of one daemon, and the daemon process in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {
            **os.environ,
            "HOME": str(root),
            "XDG_CONFIG_HOME": str(root / "config"),
            "IMAGINEER_DATA_DIR": str(root / "data"),
            "IMAGINEER_RUNTIME_DIR": str(root / "run"),
            "NO_COLOR": "1",
            "PYTHONPATH": str(ROOT),
        }
        self.command = REAL
        self.process: subprocess.Popen[bytes] | None = None

    def with_fake_worker(self, mode: str = "fine", hang_s: float = 60.0, **sections: object) -> House:
        """Let the daemon use the fake worker (`fake_worker.py`)."""
        launcher = str(TESTS / "run_daemon.py")
        self.command = (sys.executable, launcher, "--worker", mode, "--hang-s", str(hang_s))
        return self.configured(**sections)

    def configured(self, **sections: object) -> House:
        """Write the configuration file; each argument is a section. All is drawn unless `generation` is given."""
        sections = {"generation": "{reuse: false}", **sections}
        file = self.paths.config_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{name}: {keys}\n" for name, keys in sections.items()))
        return self

    @property
    def paths(self) -> Paths:
        """The paths as the daemon finds them."""
        return find_paths(self.environ)

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> House:
        """Start the daemon and wait until it answers."""
        with (self.root / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        with self.client(timeout=START_S):
            return self

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run one more daemon in the same directories to its end."""
        return subprocess.run(self.command, env=self.environ, capture_output=True, text=True, timeout=30, check=False)

    def client(self, timeout: float = 10.0) -> Client:
        """Return a connected client; `timeout` is how long the daemon may take to answer, in seconds."""
        return Client.connect(self.paths, timeout=timeout)

    def kill(self) -> None:
        """End the daemon as the out-of-memory killer would."""
        self.end(signal.SIGKILL)

    def stop(self) -> int:
        """End the daemon as systemd would; return its exit code."""
        return self.end(signal.SIGTERM)

    def end(self, signum: signal.Signals) -> int:
        """Send the daemon a signal and wait for its end; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signum)
        return self.wait()

    def wait(self) -> int:
        """Wait for the daemon's end; return its exit code."""
        assert self.process is not None
        code = self.process.wait(timeout=WAIT_S)
        self.process = None
        return code

    def log(self) -> str:
        """Return what the daemon has logged."""
        return (self.root / "daemon.log").read_text(errors="replace")

    def close(self) -> None:
        """End the daemon if there is one, and remove everything."""
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.root, ignore_errors=True)
