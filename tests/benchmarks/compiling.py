"""A compiled UNet after a restart, beside one that is compiled for the first time; needs a C++ compiler."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from table import Line

GRAPH = Path(__file__).with_name("graph.py")


def lines() -> list[Line]:
    """Compile twice into one folder, each time in a new process."""
    if not shutil.which("g++"):
        return [
            Line(
                benchmark="compiling", measure="left out: there is no g++, which Inductor needs on a CPU", imagineer=""
            )
        ]
    with tempfile.TemporaryDirectory() as folder:
        first, again = (_compiled(folder) for _ in range(2))
    return [
        Line(
            benchmark="compiling",
            measure="after a restart, until the starter's UNet is compiled",
            imagineer=f"{again['seconds']:.1f} s",
            reference=f"for the first time: {first['seconds']:.1f} s",
            ratio=again["seconds"] / first["seconds"],
        ),
        Line(
            benchmark="compiling",
            measure="after a restart, graphs made anew, for three sizes of call",
            imagineer=str(again["made"] + again["made_after"]),
            reference=f"for the first time: {first['made'] + first['made_after']}",
            goal="0",
            met=again["found"] > 0 and not again["made"] + again["made_after"],
        ),
    ]


def _compiled(folder: str) -> dict[str, Any]:
    command = (sys.executable, str(GRAPH), folder)
    ended = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told
