"""10,000 jobs into the queue in two ways, and a page of them out, beside bare SQLite."""

from __future__ import annotations

import itertools
import sqlite3
import statistics
from collections.abc import Iterator
from pathlib import Path

from houses import IDLE, House, house, timed
from table import Line, seconds
from wire import Wire

from imagineerd import protocol

JOBS = 10_000
RATE_GOAL = 2000
PAGE_GOAL_S = 0.010
PAGES = 15
ROW = b"x" * 400
"""About the bytes of a job's row."""


def lines() -> list[Line]:
    """Submit in one request and in 10,000, then list with that history."""
    with house(IDLE) as found:
        bare_once = _bare(found.root / "once.db", JOBS)
        once = timed(lambda: _ask(found, [protocol.Generate(idem="once", prompt="Leo", n=JOBS)]))
        bare_each = _bare(found.root / "each.db", protocol.MAX_INFLIGHT)
        each = timed(lambda: _ask(found, _singles()))
        pages = [
            _page(found, "jobs, a page of 100", protocol.ListJobs()),
            _page(found, "batches, a page of 100", protocol.ListBatches()),
            _page(found, "status", protocol.GetStatus()),
            _page(found, "subscribe: the snapshot of 1,000 jobs", protocol.Subscribe(), goal=None),
        ]
    return [
        _rate("generate n=10000, one request", once, bare_once, "one transaction"),
        _rate("10,000 generate n=1, pipelined", each, bare_each, f"a transaction of {protocol.MAX_INFLIGHT}"),
        *pages,
    ]


def _singles() -> Iterator[protocol.Generate]:
    for number in range(JOBS):
        yield protocol.Generate(idem=f"each-{number}", prompt="Leo")


def _ask(found: House, requests: Iterator[protocol.Generate] | list[protocol.Generate]) -> None:
    wire = Wire(found.endpoints.ctl)
    framed = (protocol.encode(request, rid=rid) for rid, request in enumerate(requests, 2))
    wire.exchange(framed, protocol.MAX_INFLIGHT)
    wire.close()


def _bare(path: Path, group: int) -> float:
    """Insert the rows as durably as the store does, `group` in a transaction; return the seconds."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, spec BLOB NOT NULL)")

    def insert() -> None:
        rows = iter([(ROW,)] * JOBS)
        while chunk := list(itertools.islice(rows, group)):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO job (spec) VALUES (?)", chunk)
            connection.execute("COMMIT")

    took = timed(insert)
    connection.close()
    return took


def _rate(measure: str, took: float, bare: float, how: str) -> Line:
    rate = JOBS / took
    return Line(
        benchmark="submitting",
        measure=measure,
        imagineer=f"{rate:,.0f} jobs/s ({took:.2f} s)",
        reference=f"bare SQLite, {how}: {JOBS / bare:,.0f} rows/s",
        ratio=bare / took,
        goal=f">= {RATE_GOAL:,} jobs/s",
        met=rate >= RATE_GOAL,
    )


def _page(found: House, measure: str, request: protocol.Body, goal: float | None = PAGE_GOAL_S) -> Line:
    wire = Wire(found.endpoints.ctl)
    waits = []
    for rid in range(2, PAGES + 2):
        waits += wire.exchange(iter([protocol.encode(request, rid=rid)]), 1)
    wire.close()
    middle = statistics.median(waits)
    return Line(
        benchmark="submitting",
        measure=f"{measure}, {2 * JOBS:,} jobs queued",
        imagineer=seconds(waits),
        goal="" if goal is None else f"<= {goal * 1000:.0f} ms",
        met=None if goal is None else middle <= goal,
    )
