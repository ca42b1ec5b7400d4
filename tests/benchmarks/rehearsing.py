"""`python tests/benchmarks/rehearsing.py [FOLDER]`: `speed.py --device cuda` where there is no GPU, every line of it.

The model is tiny, the device is the CPU that is taken for CUDA, with made-up answers for what only a GPU knows, and
dynamo's graphs have no compiler behind them. The processes are real unless others are named. Nothing that it measures
means anything: it is to be run before a GPU is, whose time is short. The files go into the folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import speed  # noqa: E402 - it sets what torch reads when it is loaded

# isort: split
import bench  # noqa: E402
import calls  # noqa: E402
import children  # noqa: E402
import launching  # noqa: E402
import torch  # noqa: E402
from shapes import build  # noqa: E402
from worker.conftest import SHAPE  # noqa: E402
from worker.fake_graphs import FakeCapture  # noqa: E402

from imagineerd.worker import devices  # noqa: E402
from imagineerd.worker.compiling import by_region, whole  # noqa: E402

GIB = 1024**3
BACKEND = "eager"
WAYS = {"the whole UNet": partial(whole, backend=BACKEND), "by region": partial(by_region, backend=BACKEND)}
MEMORY = 16 * GIB
"""Enough for calls of 8; bigger ones would show nothing more."""
TINY = SHAPE | {part: SHAPE[part] | {"layers_per_block": 1} for part in ("unet", "vae")}
ANSWERS: dict[str, Callable[..., Any]] = {
    "set_device": lambda *_: None,
    "synchronize": lambda *_: None,
    "memory_allocated": lambda *_: GIB,
    "memory_reserved": lambda *_: 2 * GIB,
    "max_memory_allocated": lambda *_: 2 * GIB,
    "reset_peak_memory_stats": lambda *_: None,
    "mem_get_info": lambda *_: (MEMORY, MEMORY),
}
"""What `torch.cuda` says."""


def rehearse(
    folder: Path,
    *more: str,
    pipeline: tuple[str, ...] = children.PIPELINE,
    worker: tuple[str, ...] = children.WORKER,
    ways: Mapping[str, Callable[..., Any]] = WAYS,
) -> int:
    """Run `speed.py` with these processes and ways to compile; return its exit code."""
    torch.set_num_threads(1)  # for calls as small as these
    for name, answer in ANSWERS.items():
        setattr(torch.cuda, name, answer)
    bench.SIZES["tiny"] = bench.Size(64, 72, 2, lambda at, device: build(at, TINY, device.handle, device.dtype))
    bench.choose = _taken_for_a_gpu
    children.PIPELINE, children.WORKER = pipeline, worker
    speed.ways.WAYS = dict(ways)
    calls.RUNS = 1
    launching.CAPTURER = FakeCapture
    speed.RESULTS = folder
    sys.argv[1:] = ["--device", "cpu", "--size", "tiny", "--cards", "4", "--save", *more]
    return speed.main()


def _taken_for_a_gpu(hardware: Any) -> devices.Device:
    return replace(devices.choose(hardware), kind="cuda", name="a CPU taken for a GPU", memory=MEMORY)


if __name__ == "__main__":
    status = rehearse(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())
    sys.stdout.flush()
    os._exit(status)
