"""A real Docker engine for the tests: one that nobody else uses, without network, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from house import short_folder, wait_until

START_S = 60.0


@contextmanager
def docker_engine() -> Iterator[Path]:
    """Start an engine and yield its socket; skip, saying why, where none can be started."""
    program = shutil.which("dockerd")
    if program is None:
        pytest.skip("There is no dockerd on this machine: install Debian's docker.io, as .ci/run does.")
    if os.geteuid() != 0:
        pytest.skip("Only root can start a Docker engine.")
    folder = short_folder()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(program, folder), stdout=log, stderr=log)
    try:
        wait_until(lambda: (folder / "d.sock").exists() or process.poll() is not None, START_S)
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield folder / "d.sock"
    finally:
        process.terminate()
        process.wait(timeout=START_S)
        shutil.rmtree(folder, ignore_errors=True)


def _command(program: str, folder: Path) -> list[str]:
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    options = [f"--{option}={folder / name}" for option, name in places.items()]
    bare = ["--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none"]
    return [program, f"--host=unix://{folder / 'd.sock'}", *bare, *options]
