"""What is done to a daemon: kills at any moment, a full disk, a folder that may not be written, writes torn in half."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil
from house import House

ROOMY = "1g"
MODE = 0o700


class Disk:
    """A small file system of its own under the daemon's data, where this process may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=MODE, parents=True, exist_ok=True)
        self.missing = _mounted(folder)

    def fill(self) -> None:
        """Leave no room."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        self._resize(str(max(used, found.f_frsize)))

    def empty(self) -> None:
        """Leave room again."""
        self._resize(ROOMY)

    def close(self) -> None:
        """Take the file system down."""
        if not self.missing:
            subprocess.run(["umount", "-l", self.folder], check=False)

    def _resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=False, capture_output=True)


def _mounted(folder: Path) -> str:
    """Mount a file system in memory; return in one sentence why there is none."""
    if os.getuid() or shutil.which("mount") is None:
        return "The disk was never full: only root may mount a small one."
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOMY},mode=700", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"The disk was never full: {done.stderr.strip()}." if done.returncode else ""


def without_power(command: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return a command that obeys the modes of folders even for root, and why there is none."""
    if os.getuid():
        return command, ""
    if shutil.which("setpriv") is None:
        return command, "No folder was read-only: root writes everywhere, and there is no setpriv."
    return ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command), ""


@contextlib.contextmanager
def read_only(outputs: Path) -> Iterator[None]:
    """Forbid to write in the folder of pictures and in all below it."""
    outputs.mkdir(mode=MODE, exist_ok=True)
    folders = [outputs, *(path for path in outputs.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        yield
    finally:
        for folder in folders:
            folder.chmod(MODE)


def kill_worker(house: House) -> bool:
    """Kill the daemon's worker; False where there is none at this moment."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(house.pid).children()
        for child in children:
            child.send_signal(signal.SIGKILL)
        return bool(children)
    return False


def tear(house: House, random: Random) -> None:
    """Leave behind what a machine that loses its power leaves: halves of what was being written."""
    for folder in open_folders(house.paths.database):
        (folder / f".{secrets.token_hex(8)}.part").write_bytes(b"\x89PNG\r\n\x1a\n" + random.randbytes(99))
    wal = house.paths.database.with_name(f"{house.paths.database.name}-wal")
    if wal.exists():
        with wal.open("ab") as file:
            file.write(random.randbytes(random.randint(1, 9000)))


def open_folders(database: Path) -> list[Path]:
    """Return the folders in which a killed daemon's worker may have been writing; the database stays as it is."""
    with tempfile.TemporaryDirectory() as copies:
        for path in database.parent.glob(f"{database.name}*"):
            shutil.copy(path, copies)
        with contextlib.closing(sqlite3.connect(Path(copies) / database.name)) as copy:
            folders = copy.execute(
                "SELECT folder FROM batch WHERE id IN (SELECT batch FROM job WHERE state = 'running')"
            )
            return [Path(folder) for (folder,) in folders if Path(folder).is_dir()]
