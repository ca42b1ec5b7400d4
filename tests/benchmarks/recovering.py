"""A daemon that was killed starts again, with 100,000 jobs in its history, beside one that has none."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
from pathlib import Path

from houses import IDLE, House, house, timed
from table import Line, median_of, seconds

from imagineerd.jobs import GenerateSpec
from imagineerd.protocol import JobMoved
from imagineerd.store import intake, moves, outbox, schema, search
from imagineerd.store.intake import NewBatch

HISTORY = 100_000
A_BATCH = 1000
WAITING = 1000
RUNNING = 8
ROUNDS = 3
GOAL_S = 1.0
READY_S = 60.0
SPEC = GenerateSpec(
    prompt="Leo, gold on black", width=64, height=96, steps=4, guidance_scale=7.5, seed=1, model="starter", name="Leo"
)
_ALL_DONE = """
    UPDATE job SET state = 'running', attempts = 1, started_at = 1;
    INSERT INTO take (batch, slot, job, file, seed, width, height, bytes, sha256, color, created_at, duration)
    SELECT batch, slot, id, id || '.png', 1, 64, 96, 1, '', '#000000', 1, 1 FROM job;
    UPDATE job SET state = 'done', ended_at = 2, take = id;
    UPDATE slot SET pick = job, chosen = job;
"""


def lines() -> list[Line]:
    """Start from a copy of what a killed daemon left, in turn with a start from nothing."""
    with house() as found:
        left = found.root / "left"
        left.mkdir()
        fill(left / "queue.db", found.root)
        bare, ready = median_of(ROUNDS, lambda: _start(found, None), lambda: _start(found, left))
    middle = statistics.median(ready)
    return [
        Line(
            benchmark="recovering",
            measure=f"from exec to READY=1, {HISTORY:,} jobs done, {WAITING:,} waiting, {RUNNING} running when killed",
            imagineer=seconds(ready),
            reference=f"no history: {seconds(bare)}",
            ratio=middle / statistics.median(bare),
            goal=f"<= {GOAL_S:g} s, 2 idle cores",
            met=middle <= GOAL_S,
        )
    ]


def fill(path: Path, outputs: Path) -> None:
    """Make the database of a daemon that has drawn so much and was killed while it drew."""
    connection = schema.open_database(path)
    connection.execute("BEGIN IMMEDIATE")
    for number in range(HISTORY // A_BATCH):
        _submit(connection, f"deck{number}", A_BATCH, outputs)
    for statement in _ALL_DONE.split(";"):
        connection.execute(statement)
    for job in range(1, HISTORY + 1):
        search.add(connection, job)
        outbox.append(connection, JobMoved(job=job, batch="deck0", slot=1, state=moves.State.DONE), 2.0)
    jobs = _submit(connection, "open", WAITING + RUNNING, outputs)
    moves.claim(connection, jobs[:RUNNING], 3.0)
    connection.execute("COMMIT")
    connection.close()


def _submit(connection: sqlite3.Connection, name: str, cards: int, outputs: Path) -> tuple[int, ...]:
    new = NewBatch(
        id=name,
        set_id="",
        title=name,
        theme="",
        settings=b"\x80",
        output_dir=str(outputs / "pictures"),
        slots=tuple((index, "Leo", SPEC) for index in range(1, cards + 1)),
        jobs=tuple((index, SPEC) for index in range(1, cards + 1)),
    )
    return intake.submit_batch(connection, new, None, 10 * HISTORY, 0.0).jobs


def _start(found: House, left: Path | None) -> float:
    """Return the seconds until a daemon says that it is ready; `left` is the data folder it finds."""
    data = found.paths.data_dir
    shutil.rmtree(data, ignore_errors=True)
    if left is not None:
        shutil.copytree(left, data)
    address = found.root / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, (found.root / "log").open("ab") as log:
        manager.bind(str(address))
        manager.settimeout(READY_S)
        environ = {**found.environ, "NOTIFY_SOCKET": str(address)}
        started: list[subprocess.Popen[bytes]] = []

        def start() -> None:
            started.append(subprocess.Popen(IDLE, env=environ, stdout=log, stderr=log))
            while b"READY=1" not in manager.recv(4096):
                pass

        took = timed(start)
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()
    address.unlink()
    return took
