"""Events to 50 subscribers, beside a bare ROUTER that sends the same bytes to as many.

`python tests/benchmarks/announcing.py ENDPOINT` is that ROUTER: it waits for the subscribers, and sends.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import zmq
from houses import IDLE, House, house
from table import Line, median_of, seconds
from wire import RECEIVE_MS, Wire

from imagineerd import protocol
from imagineerd.jobs import State

SUBSCRIBERS = 50
EVENTS = 1500
"""Of one commit. A pipe takes 2,000 messages: nobody is to lag."""
ROUNDS = 3
GOAL = 3.0
EVENT = protocol.JobMoved(job=1, batch="20261122_180000", slot=1, state=State.CANCELLED)


def lines() -> list[Line]:
    """Cancel a batch that is held, which is an event for each of its jobs; in turn with the bare ROUTER."""
    with house(IDLE) as found:
        bare, told = median_of(ROUNDS, lambda: _bare(found), lambda: _cancelled(found))
    middle, count = statistics.median(told), SUBSCRIBERS * EVENTS
    return [
        Line(
            benchmark="announcing",
            measure=f"{EVENTS:,} events to {SUBSCRIBERS} subscribers, from the request on",
            imagineer=f"{count / middle:,.0f} messages/s ({seconds(told)})",
            reference=f"bare ROUTER: {count / statistics.median(bare):,.0f} messages/s ({seconds(bare)})",
            ratio=middle / statistics.median(bare),
            goal=f"<= {GOAL:g} times as long",
            met=middle / statistics.median(bare) <= GOAL,
        )
    ]


def _cancelled(found: House) -> float:
    """Return the seconds from a request that moves all jobs until every subscriber was told of each."""
    with found.client() as client:
        batch = client.generate("Leo", n=EVENTS, hold=True).batch.id
    wires = [Wire(found.endpoints.ctl) for _ in range(SUBSCRIBERS)]
    for wire in wires:
        wire.exchange(iter([protocol.encode(protocol.Subscribe(ticks_hz=0), rid=2)]), 1)
    asking = Wire(found.endpoints.ctl)
    request = protocol.encode(protocol.Cancel(batch=batch), rid=2)
    took = _timed([wire.socket for wire in wires], lambda: asking.socket.send_multipart(request))
    for wire in (*wires, asking):
        wire.close()
    return took


def _bare(found: House) -> float:
    """Return the seconds that the same takes a process which does nothing else."""
    endpoint = f"ipc://{found.root}/bare.sock"
    process = subprocess.Popen((sys.executable, str(Path(__file__)), endpoint), stdin=subprocess.PIPE)
    sockets = []
    for _ in range(SUBSCRIBERS):
        sock = zmq.Context.instance().socket(zmq.DEALER)
        sock.setsockopt(zmq.LINGER, 0)
        sock.setsockopt(zmq.RCVTIMEO, RECEIVE_MS)
        sock.connect(endpoint)
        sock.send(b"")
        sockets.append(sock)
    for sock in sockets:
        sock.recv_multipart()
    took = _timed(sockets, process.stdin.close)
    process.wait()
    for sock in sockets:
        sock.close()
    return took


def _timed(sockets: list[zmq.Socket[bytes]], begin: Callable[[], object]) -> float:
    """Return the seconds until each socket has all events."""
    left = dict.fromkeys(sockets, EVENTS)
    poller = zmq.Poller()
    for sock in sockets:
        poller.register(sock, zmq.POLLIN)
    began = time.perf_counter()
    begin()
    while left:
        ready = poller.poll(RECEIVE_MS)
        if not ready:
            raise TimeoutError(f"{len(left)} subscribers were not told everything.")
        for sock, _ in ready:
            left[sock] -= _take(sock)
            if left[sock] <= 0:
                del left[sock]
                poller.unregister(sock)
    return time.perf_counter() - began


def _take(sock: zmq.Socket[bytes]) -> int:
    """Read what is there; return how many events it was."""
    events = 0
    while True:
        try:
            head, *_ = sock.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return events
        events += protocol.decode_head(head).seq > 0


def main(endpoint: str) -> None:
    """Greet each subscriber, then send all events to all of them once the input ends."""
    sock = zmq.Context.instance().socket(zmq.ROUTER)
    sock.setsockopt(zmq.SNDHWM, 2000)
    sock.bind(endpoint)
    addresses = [sock.recv_multipart()[0] for _ in range(SUBSCRIBERS)]
    for address in addresses:
        sock.send_multipart((address, b""))
    sys.stdin.read()
    for seq in range(1, EVENTS + 1):
        frames = protocol.encode(EVENT, seq=seq)
        for address in addresses:
            sock.send_multipart((address, *frames))
    sock.close()
    zmq.Context.instance().term()  # waits until all is sent


if __name__ == "__main__":
    main(*sys.argv[1:])
