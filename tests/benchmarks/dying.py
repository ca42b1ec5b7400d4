"""A worker that is killed: when the daemon tells of it, and when the next one is ready."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from houses import REAL, house, timed, wait_for
from starting import IMPORTS, bare_import
from table import Line, seconds

from imagineerd.client import Client, Followed
from imagineerd.protocol import Worker, WorkerPhase

ROUNDS = 2
NOTICE_GOAL_S = 0.010
RESPAWN_GOAL_S = 4.0
AS_BIG = """
import socket, sys, time
memory = bytearray(int(sys.argv[2]))
memory[::4096] = b"x" * len(memory[::4096])
socket.socket(fileno=int(sys.argv[1])).send(b"!")
time.sleep(3600)
"""
"""A process of so many bytes of memory that does nothing."""


def lines() -> list[Line]:
    """Kill workers that have drawn, in turn with processes of the same size that nobody but their parent watches."""
    notices, respawns, bare_notices, imports = [], [], [], []
    with house(REAL) as found, found.client() as client:
        messages = client.events()
        next(messages)
        for _ in range(ROUNDS):
            _draw(client)
            size = client.status().worker.memory_used
            notice, respawn = _kill(client.status().worker.pid, messages)
            notices.append(notice)
            respawns.append(respawn)
            bare_notices.append(_kill_bare(size))
            imports.append(bare_import(found))
    return [
        Line(
            benchmark="dying",
            measure="kill -9 until a subscriber knows",
            imagineer=seconds(notices),
            reference=f"end of file, from a process of {size / 1e6:.0f} MB: {seconds(bare_notices)}",
            ratio=statistics.median(notices) / statistics.median(bare_notices),
            goal=f"<= {NOTICE_GOAL_S * 1000:.0f} ms",
            met=statistics.median(notices) <= NOTICE_GOAL_S,
        ),
        Line(
            benchmark="dying",
            measure="kill -9 until the next worker is ready",
            imagineer=seconds(respawns),
            reference=f"python, {IMPORTS.rpartition(' ')[2]}: {seconds(imports)}",
            ratio=statistics.median(respawns) / statistics.median(imports),
            goal=f"<= {RESPAWN_GOAL_S:g} s, 2 idle cores",
            met=statistics.median(respawns) <= RESPAWN_GOAL_S,
        ),
    ]


def _draw(client: Client) -> None:
    """Have a picture drawn, so that the worker counts as one that works and the next one is started at once."""
    batch = client.generate("Leo, gold on black").batch.id
    wait_for(lambda: client.batch(batch).batch.takes and client.status().worker.phase == "idle")


def _kill(pid: int, messages: Iterator[Followed]) -> tuple[float, float]:
    """Return the seconds from the kill to the news of the death, and to the next worker's readiness."""
    killed = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    _until(messages, "dead")
    notice = time.perf_counter() - killed
    _until(messages, "idle")
    return notice, time.perf_counter() - killed


def _until(messages: Iterator[Followed], phase: WorkerPhase) -> None:
    for message in messages:
        if isinstance(message, Worker) and message.phase == phase:
            return


def _kill_bare(size: int) -> float:
    """Return the seconds from a kill to the end of file, as the plainest parent sees it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = (sys.executable, "-c", AS_BIG, str(theirs.fileno()), str(size))
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        ours.recv(1)
        process.kill()
        took = timed(lambda: ours.recv(1))
        process.wait()
    return took
