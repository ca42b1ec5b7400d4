"""Requests while the worker draws: how many in a second, and how long one client waits, beside a bare echo."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import wire
from houses import REAL, House, house, wait_for
from table import Line, percentile

ROUNDS = 3
ROUND_S = 1.0
CLIENTS = 3
WINDOW = 16
QUEUE = 2000
SHARE_GOAL = 0.5
WAIT_GOAL_S = 0.010


def lines() -> list[Line]:
    """Measure `status` and `jobs` against the echo, in turn, while a long queue is drawn."""
    with house(REAL) as found, _echo(found.root / "echo.sock") as echo:
        _draw(found)
        endpoints = {"echo": (echo, "status"), **{kind: (found.endpoints.ctl, kind) for kind in wire.REQUESTS}}
        rates: dict[str, list[float]] = {name: [] for name in endpoints}
        waits: dict[str, list[float]] = {name: [] for name in endpoints}
        for _, (name, (endpoint, kind)) in itertools.product(range(ROUNDS), endpoints.items()):
            rates[name].append(_rate(endpoint, kind))
            waits[name] += wire.ask(endpoint, kind, 1, 1, ROUND_S)
        _still_drawing(found)
    return [line for kind in wire.REQUESTS for line in (_share(kind, rates), _wait(kind, waits))]


def _draw(found: House) -> None:
    with found.client() as client:
        client.generate("Leo, gold on black", QUEUE)
        wait_for(lambda: client.status().worker.phase == "working")


def _still_drawing(found: House) -> None:
    with found.client() as client:
        if client.status().worker.phase != "working":
            raise RuntimeError("The queue ended before the measure.")


def _rate(endpoint: str, kind: str) -> float:
    return len(wire.ask(endpoint, kind, CLIENTS, WINDOW, ROUND_S)) / ROUND_S


def _share(kind: str, rates: dict[str, list[float]]) -> Line:
    ours, bare = statistics.median(rates[kind]), statistics.median(rates["echo"])
    return Line(
        benchmark="asking",
        measure=f"{kind} while drawing, {CLIENTS} clients with {WINDOW} in flight",
        imagineer=f"{ours:,.0f}/s",
        reference=f"asyncio echo: {bare:,.0f}/s",
        ratio=ours / bare,
        goal=f">= {SHARE_GOAL}",
        met=ours / bare >= SHARE_GOAL,
    )


def _wait(kind: str, waits: dict[str, list[float]]) -> Line:
    ours, bare = percentile(waits[kind], 99), percentile(waits["echo"], 99)
    return Line(
        benchmark="asking",
        measure=f"{kind} while drawing, one client, p50 / p99",
        imagineer=f"{_ms(percentile(waits[kind], 50))} / {_ms(ours)}",
        reference=f"asyncio echo: {_ms(percentile(waits['echo'], 50))} / {_ms(bare)}",
        ratio=ours / bare,
        goal=f"p99 <= {WAIT_GOAL_S * 1000:.0f} ms",
        met=ours <= WAIT_GOAL_S,
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


@contextlib.contextmanager
def _echo(path: Path) -> Iterator[str]:
    process = subprocess.Popen((sys.executable, str(Path(__file__).with_name("echo.py")), str(path)))
    try:
        wait_for(path.exists)
        yield f"ipc://{path}"
    finally:
        process.kill()
        process.wait()
