"""`speed.py`, rehearsed without a GPU: every row is there, and what breaks is told and spares the rest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from house import wait_until

HERE = Path(__file__).resolve().parent
WORKER = (str(HERE.parent / "fake_worker.py"), "fine")
PATIENCE_S = 240.0
REHEARSE = """
import os, sys
from pathlib import Path
from rehearsing import rehearse
from torch._dynamo.exc import RecompileError

def make(unet):
    def compiled(rows, *given, **named):
        if len(rows) == {too_many}:
            raise RecompileError("this compiler takes no {too_many} rows")
        return unet(rows, *given, **named)
    return compiled

folder, pipeline, *worker = sys.argv[1:]
status = rehearse(
    Path(folder),
    "--minutes",
    "60",
    pipeline=(sys.executable, "-c", pipeline),
    worker=(sys.executable, *worker),
    ways=dict.fromkeys(("the whole UNet", "by region"), make),
)
sys.stdout.flush()
os._exit(status)
"""
"""The rehearsal, with stand-ins for what takes long: the processes, and graphs that are the UNet itself."""
DRAWS = "import sys\nfor _ in sys.stdin: print(0.5, flush=True)"
DIES = "import sys\nsys.stdin.readline()\nsys.exit('CUDA error: no kernel image')"
HANGS = "import pathlib, sys\npathlib.Path({mark!r}).touch()\nsys.stdin.read()"
Rows = list[dict[str, Any]]


@contextmanager
def rehearsal(folder: Path, pipeline: str, worker: tuple[str, ...], too_many: int) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-c", REHEARSE.format(too_many=too_many), str(folder), pipeline, *worker)
    process = subprocess.Popen(command, cwd=HERE, text=True, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def rows_in(folder: Path) -> Rows:
    return [row for file in folder.glob("*.json") for row in json.loads(file.read_bytes())["rows"]]


def notes_of(rows: Rows, measure: str) -> list[str]:
    return [row["note"] for row in rows if row["measure"] == measure]


def test_on_a_gpu_every_row_is_there_and_those_of_the_goals_come_first(tmp_path: Path) -> None:
    with rehearsal(tmp_path, DRAWS, WORKER, too_many=0) as process:
        shown, _ = process.communicate(timeout=PATIENCE_S)
    rows = rows_in(tmp_path)
    dealt = [row for row in rows if row["measure"].startswith("ours, 2 LoRAs, 54 cards")]

    assert process.returncode == 0, [row for row in rows if row["note"].startswith(("broke", "left out"))]
    assert not [row for row in rows if row["note"].startswith("left out")]
    assert [row["measure"] for row in dealt] == [
        "ours, 2 LoRAs, 54 cards",
        "ours, 2 LoRAs, 54 cards, captured",
        "ours, 2 LoRAs, 54 cards, compiled: the whole UNet",
        "ours, 2 LoRAs, 54 cards, compiled: the whole UNet, captured",
        "ours, 2 LoRAs, 54 cards, compiled: by region",
        "ours, 2 LoRAs, 54 cards, compiled: by region, captured",
    ]
    assert all(row["card_s"] > 0 for row in dealt)
    assert rows.index(dealt[2]) < 28
    assert len(rows) > 55
    assert "stacked adapters (goal: 4 times)" in notes_of(rows, "goal: ours, 2 LoRAs, 54 cards")[0]
    assert all(row["measure"] in shown for row in rows)


def test_what_breaks_or_ends_a_run_is_told_with_its_reason_and_what_was_measured_stays(tmp_path: Path) -> None:
    mark = tmp_path / "the worker hangs"
    with rehearsal(tmp_path, DIES, ("-c", HANGS.format(mark=str(mark))), too_many=16) as process:
        wait_until(mark.exists, PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    rows = rows_in(tmp_path)

    assert process.returncode == 1
    assert "CUDA error: no kernel image" in notes_of(rows, "stage: bare StableDiffusionPipeline loop")[0]
    compiled = notes_of(rows, "compiling the whole UNet")[0]
    assert "but not for the others: " in compiled
    assert "this compiler takes no 16 rows" in compiled
    assert [row["batch"] for row in rows if "compiled" in row["measure"] and row["card_s"]] == [1, 4, 1, 4]
    deck = notes_of(rows, "ours, 2 LoRAs, 54 cards, compiled: the whole UNet")[0]
    assert "of 54 pictures were drawn eagerly" in deck  # how many is a matter of what calls take here
    assert [row["batch"] for row in rows if row["measure"] == "ours" and row["card_s"]] == [1, 4, 8]
    assert notes_of(rows, "stage: a fresh worker") == [
        "broke at a worker's first deck, from its start: the run was ended from outside"
    ]
    assert [len(list(tmp_path.glob(f"*_speed_cpu_tiny.{kind}"))) for kind in ("json", "md")] == [1, 1]
