"""A client that costs as little as a client can: frames made beforehand, a window of them in flight.

    python tests/benchmarks/wire.py ENDPOINT KIND WINDOW SECONDS

says `ready`, waits for a line, and prints a JSON list: the seconds of each round trip.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import zmq

from imagineerd import protocol

RECEIVE_MS = 60_000
REQUESTS = {
    "status": protocol.GetStatus(),
    "jobs": protocol.ListJobs(limit=1),
}


class Wire:
    """A DEALER that has said hello."""

    def __init__(self, endpoint: str) -> None:
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, RECEIVE_MS)
        self.socket.connect(endpoint)
        self.socket.send_multipart(protocol.encode(protocol.Hello(), rid=1))
        self.socket.recv_multipart()

    def exchange(self, requests: Iterator[list[bytes]], window: int) -> list[float]:
        """Keep `window` requests in flight until there are no more; return how long each waited for an answer.

        Raises `RuntimeError` for an answer that is an error.
        """
        sent: deque[float] = deque()
        waits: list[float] = []
        for frames in requests:
            if len(sent) == window:
                waits.append(self._answered(sent))
            sent.append(time.perf_counter())
            self.socket.send_multipart(frames)
        while sent:
            waits.append(self._answered(sent))
        return waits

    def close(self) -> None:
        """Leave."""
        self.socket.close()

    def _answered(self, sent: deque[float]) -> float:
        frames = self.socket.recv_multipart()
        if protocol.decode_head(frames[0]).kind == "err":
            raise RuntimeError(repr(frames[1]))
        return time.perf_counter() - sent.popleft()


def until(end: float, frames: list[bytes]) -> Iterator[list[bytes]]:
    """Yield the same request until the time is over."""
    while time.perf_counter() < end:
        yield frames


def ask(endpoint: str, kind: str, clients: int, window: int, duration: float) -> list[float]:
    """Let clients in processes of their own ask at the same time; return all their round trips."""
    command = (sys.executable, str(Path(__file__)), endpoint, kind, str(window), str(duration))
    started = [_start(command) for _ in range(clients)]
    for client in started:
        client.stdout.readline()
    for client in started:
        client.stdin.write("go\n")
        client.stdin.flush()
    return [wait for client in started for wait in json.loads(client.communicate()[0])]


def _start(command: tuple[str, ...]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def main(endpoint: str, kind: str, window: str, duration: str) -> None:
    """Ask for so many seconds, as soon as a line comes."""
    wire = Wire(endpoint)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    frames = protocol.encode(REQUESTS[kind], rid=2)
    waits = wire.exchange(until(time.perf_counter() + float(duration), frames), int(window))
    sys.stdout.write(json.dumps(waits))


if __name__ == "__main__":
    main(*sys.argv[1:])
