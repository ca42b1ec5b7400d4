"""The terminal UI on a line of 200 kB/s: how long its event loop is held up while somebody turns pages of pictures."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from houses import REAL, House, house, wait_for
from table import Line, percentile

from imagineerd.protocol import Settings

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS))

from pseudo_terminal import SILENT, PseudoTerminal  # noqa: E402

RATE: Final = 200_000
SIZE: Final = (120, 40)
GOAL_MS: Final = 100
CARDS: Final = 12
TURNS: Final = 100
HZ: Final = 20
"""How often a key that is held down repeats."""


def lines() -> list[Line]:
    """Draw a deck, then turn its pages, on a line without a limit and on a slow one."""
    with house(REAL) as found:
        with found.client() as client:
            batch = client.deal("zodiac", settings=Settings(steps=4)).batch.id
            wait_for(lambda: client.batch(batch).batch.takes == CARDS)
        fast, slow = (held_up(found, rate) for rate in (None, RATE))
    return [
        Line(
            benchmark="slow_link",
            measure=f"the event loop is held up, pages at {HZ} Hz: p99 / longest",
            imagineer=_told(slow),
            reference=f"a line without a limit: {_told(fast)}",
            ratio=max(slow) / max(fast),
            goal=f"<= {GOAL_MS} ms, 2 idle cores",
            met=max(slow) <= GOAL_MS,
        )
    ]


def held_up(found: House, rate: int | None) -> list[float]:
    """Return how late the loop came round to a timer, in milliseconds, while pages were turned."""
    report = found.root / "report.json"
    environ = {**found.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environ.pop("NO_COLOR")
    command = [sys.executable, str(TESTS / "noted_app.py"), str(report)]
    with PseudoTerminal(command, environ, SILENT, size=SIZE, rate=rate) as terminal:
        terminal.wait_for(b"Sets")
        terminal.type(b"5")
        terminal.wait_for(b"page 1 of")
        terminal.bytes_until_quiet(1.0)
        for number in range(TURNS):
            terminal.type(b"\x15" if number % 2 else b"\x04")
            time.sleep(1 / HZ)
        terminal.type(b"q")
        terminal.ended()
    late: list[float] = json.loads(report.read_text())["late"]
    return late[-100 * TURNS // HZ :]


def _told(late: Sequence[float]) -> str:
    return f"{percentile(late, 99):.0f} ms / {max(late):.0f} ms"
