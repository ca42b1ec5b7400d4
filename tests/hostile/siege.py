"""A daemon under siege: hostile frames on both sockets, a worker that talks nonsense, subscribers that never read."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import psutil
import zmq
from house import House, short_folder

from hostile.frames import Frames
from imagineerd import protocol

CLIENTS = 50
DEAF = 5
BURST = 40
"""Messages that one client sends before it reads what came."""
MEASURED = 20
"""How often memory and descriptors are looked at."""
MIB = 1024 * 1024
MAY_GROW = 96 * MIB
"""SQLite keeps 64 MiB of pages, and each deaf client what fits its pipe; a leak of 100 bytes a frame is more."""
MAY_OPEN = 40
"""Descriptors beyond those after the first quarter; a worker that is being replaced has some."""
WAIT_MS = 20_000


class Outcome(msgspec.Struct, kw_only=True):
    """How much was sent and answered, by code, how the daemon fared, and what was found."""

    seed: int
    frames: int = 0
    answers: dict[str, int] = {}
    worker_lives: int = 0
    rss_mib: list[int] = []
    descriptors: list[int] = []
    database_mib: float = 0.0
    seconds: float = 0.0
    findings: list[str] = []


class Attacker:
    """One connection without manners, to the `ctl` or to the `blob` socket; it subscribes, and may be deaf."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], address: Path, *, deaf: bool) -> None:
        self.deaf = deaf
        self.answers: Counter[str] = Counter()
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDTIMEO, WAIT_MS)
        self._socket.setsockopt(zmq.RCVHWM, 1 if deaf else 1000)
        self._socket.connect(f"ipc://{address}")
        self.send(protocol.encode(protocol.Hello(), rid=1))
        self.send(protocol.encode(protocol.Subscribe(), rid=2))

    def send(self, frames: list[bytes]) -> None:
        """Send one message; of one without frames, nothing goes out."""
        if frames:
            self._socket.send_multipart(frames)

    def read(self) -> None:
        """Take what came, and count it by its code or kind."""
        with contextlib.suppress(zmq.Again):
            while not self.deaf:
                head, body, *_ = self._socket.recv_multipart(zmq.NOBLOCK)
                kind = protocol.decode_head(head).kind
                answer = protocol.decode_from_daemon(kind, body)
                self.answers[answer.code if isinstance(answer, protocol.Error) else "answered"] += 1


class Siege:
    """One house and its attackers."""

    def __init__(self, seed: int) -> None:
        self.outcome = Outcome(seed=seed)
        self._random = Random(seed)  # noqa: S311 - the same frames each time
        self._frames = Frames(self._random)
        self._house = House(short_folder()).with_fake_worker(daemon="{queue_limit: 200}")
        launcher = Path(__file__).resolve().parents[1] / "run_daemon.py"
        reporter = Path(__file__).with_name("reporter.py")
        self._house.command = (sys.executable, str(launcher), "--worker", str(seed), "--program", str(reporter))

    def run(self, frames: int) -> Outcome:
        """Send so many messages and look after the daemon meanwhile."""
        began = time.monotonic()
        try:
            self._house.start()
            with self._attackers() as attackers:
                for part in range(MEASURED):
                    self._attack(attackers, frames * (part + 1) // MEASURED)
                    self._measure()
            self._judge()
        finally:
            self.outcome.seconds = round(time.monotonic() - began, 1)
            self._house.close()
        return self.outcome

    @contextlib.contextmanager
    def _attackers(self) -> Iterator[list[Attacker]]:
        paths = self._house.paths
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            attackers = [
                Attacker(context, paths.blob_socket if number % 5 == 4 else paths.ctl_socket, deaf=number < DEAF)
                for number in range(CLIENTS)
            ]
            yield attackers
            answers = sum((attacker.answers for attacker in attackers), Counter[str]())
            self.outcome.answers = dict(answers.most_common())
        finally:
            context.destroy(linger=0)

    def _attack(self, attackers: list[Attacker], until: int) -> None:
        while self.outcome.frames < until:
            attacker = self._random.choice(attackers)
            for _ in range(BURST):
                attacker.send(self._frames.message())
            self.outcome.frames += BURST
            attacker.read()

    def _measure(self) -> None:
        """Ask the daemon how it is, as a client that knows its manners, and look at its size."""
        with self._house.client(timeout=WAIT_MS / 1000) as client:
            self.outcome.worker_lives = client.status().worker.restarts
        process = psutil.Process(self._house.pid)
        self.outcome.rss_mib.append(process.memory_info().rss // MIB)
        self.outcome.descriptors.append(process.num_fds())
        self.outcome.database_mib = round(
            sum(path.stat().st_size for path in self._house.paths.data_dir.glob("queue.db*")) / MIB, 1
        )

    def _judge(self) -> None:
        found = self.outcome
        quarter = len(found.rss_mib) // 4
        if (found.rss_mib[-1] - found.rss_mib[quarter]) * MIB > MAY_GROW:
            found.findings.append("The daemon's memory grows.")
        if found.descriptors[-1] - found.descriptors[quarter] > MAY_OPEN:
            found.findings.append("The daemon's descriptors grow.")
        if found.answers.get("E_INTERNAL"):
            found.findings.append(f"{found.answers['E_INTERNAL']} requests were faults of the daemon.")
        if "A request failed" in self._house.log():
            found.findings.append(self._house.log().partition("A request failed")[2][:3000])
        if self._house.stop():
            found.findings.append("The daemon did not stop as it should.")
