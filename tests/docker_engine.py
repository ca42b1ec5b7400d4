"""A real Docker engine for the tests: one that nobody else uses, without network, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from house import short_folder, wait_until

from imagineerd.labels.checks import check_docker

START_S = 60.0


class Engine:
    """An engine that can be killed and started again, with what it had."""

    def __init__(self, program: str, folder: Path) -> None:
        self.socket = folder / "d.sock"
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        host = {"DOCKER_HOST": f"unix://{self.socket}"}
        wait_until(lambda: check_docker(host).level == "ok" or process.poll() is not None, START_S)
        assert process.poll() is None, (self._folder / "log").read_text()[-2000:]

    def end(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait for its end."""
        self._process.send_signal(signum)
        self._process.wait(timeout=START_S)

    def _command(self) -> list[str]:
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        options = [f"--{option}={self._folder / name}" for option, name in places.items()]
        bare = ["--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        return [self._program, f"--host=unix://{self.socket}", *bare, *options]


@contextmanager
def mortal_engine() -> Iterator[Engine]:
    """Start an engine and yield it; skip, saying why, where none can be started."""
    program = shutil.which("dockerd")
    if program is None:
        pytest.skip("There is no dockerd on this machine: install Debian's docker.io, as .ci/run does.")
    if os.geteuid() != 0:
        pytest.skip("Only root can start a Docker engine.")
    folder = short_folder()
    engine = Engine(program, folder)
    engine.start()
    try:
        yield engine
    finally:
        engine.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def docker_engine() -> Iterator[Path]:
    """Start an engine and yield its socket; skip, saying why, where none can be started."""
    with mortal_engine() as engine:
        yield engine.socket
