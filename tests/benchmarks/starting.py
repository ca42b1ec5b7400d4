"""From nothing to the first card: `imagineer deal` where no daemon runs, beside the imports that it takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from houses import House, house, timed, wait_for
from table import Line, median_of, seconds

ROUNDS = 2
GOAL_S = 9.0
IMPORTS = "import torch, diffusers; from diffusers import StableDiffusionPipeline"


def lines() -> list[Line]:
    """Start from nothing, in turn with bare imports."""
    with house() as found:
        bare, first = median_of(ROUNDS, lambda: bare_import(found), _first_card)
    middle = statistics.median(first)
    return [
        Line(
            benchmark="starting",
            measure="imagineer deal, no daemon: until the first card",
            imagineer=seconds(first),
            reference=f"python, {IMPORTS.rpartition(' ')[2]}: {seconds(bare)}",
            ratio=middle / statistics.median(bare),
            goal=f"<= {GOAL_S:g} s, 2 idle cores",
            met=middle <= GOAL_S,
        )
    ]


def bare_import(found: House) -> float:
    """Return the seconds of a process that imports what every drawing program imports."""
    command = (sys.executable, "-c", IMPORTS)
    return timed(lambda: subprocess.run(command, env=found.environ, check=True, stderr=subprocess.DEVNULL))


def _first_card() -> float:
    """Deal in a house of its own; return the seconds until there is a picture."""
    command = (sys.executable, "-P", "-m", "imagineer_tui", "deal", "zodiac", "--theme", "gold on black", "--detach")
    with house() as found:
        began = time.perf_counter()
        subprocess.run(command, env=found.environ, check=True, capture_output=True)
        wait_for(found.pictures, pause=0.005)
        took = time.perf_counter() - began
        with found.client() as client:
            client.stop()
        wait_for(lambda: not found.paths.ctl_socket.exists())
    return took
