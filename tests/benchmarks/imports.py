"""What a command costs before it does anything: imports, and a whole `imagineer jobs`."""

from __future__ import annotations

import subprocess
import sys

from houses import IDLE, House, house, timed
from table import Line, median_of, seconds

ROUNDS = 7
COMMAND_GOAL_S = 0.25


def lines() -> list[Line]:
    """Measure `python -c pass`, two imports and a command against an idle daemon."""
    with house(IDLE) as found:
        bare, client, cli, jobs = median_of(
            ROUNDS,
            lambda: _python(found, "-c", "pass"),
            lambda: _python(found, "-c", "import imagineerd.client"),
            lambda: _python(found, "-c", "import imagineer_tui.cli"),
            lambda: _python(found, "-m", "imagineer_tui", "jobs"),
        )
    return [
        _line("import imagineerd.client", client, bare),
        _line("import imagineer_tui.cli", cli, bare),
        _line("imagineer jobs", jobs, bare, COMMAND_GOAL_S),
    ]


def _line(measure: str, values: list[float], bare: list[float], goal: float | None = None) -> Line:
    middle = sorted(values)[len(values) // 2]
    return Line(
        benchmark="imports",
        measure=measure,
        imagineer=seconds(values),
        reference=f"python -c pass: {seconds(bare)}",
        ratio=middle / sorted(bare)[len(bare) // 2],
        goal="" if goal is None else f"<= {goal} s",
        met=None if goal is None else middle <= goal,
    )


def _python(found: House, *arguments: str) -> float:
    command = (sys.executable, "-P", *arguments)
    return timed(lambda: subprocess.run(command, env=found.environ, check=True, stdout=subprocess.DEVNULL))
