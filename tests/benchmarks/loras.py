"""A library of 2,000 LoRAs: looked into for the first time and again, beside reading the bare headers."""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
from pathlib import Path

from houses import timed
from table import Line, median_of, seconds

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lora_files import whole_sd1, write_lora

from imagineerd.lora import header, names
from imagineerd.lora import library as loras

FILES = 2000
FOLDERS = 20
ROUNDS = 3
RANKS = (4, 8, 16, 32, 64, 128)
COLD_GOAL_S = 2.0
WARM_GOAL_S = 0.1
TAGS = {"10_card": {f"tag number {number}": 1 + number for number in range(300)}}
METADATA = {"ss_network_dim": "16", "ss_network_alpha": "8.0", "ss_tag_frequency": json.dumps(TAGS)}


def lines() -> list[Line]:
    """List a library of files with 264 modules and 300 tags each, of six ranks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shapes = [whole_sd1(rank) for rank in RANKS]
        for number in range(FILES):
            file = folder / f"{number % FOLDERS}" / f"lora {number}.safetensors"
            write_lora(file, shapes[number % len(RANKS)], METADATA)
        cold, bare = median_of(ROUNDS, lambda: _cold(folder), lambda: timed(lambda: _bare(folder)))
        warm = [timed(lambda: loras.list_loras(folder)) for _ in range(ROUNDS)]
    return [_line("first", cold, bare, COLD_GOAL_S), _line("again", warm, bare, WARM_GOAL_S)]


def _cold(folder: Path) -> float:
    for memory in (loras._remembered_facts, header._decode_tensors, names._read_names, names.read_name):
        memory.cache_clear()
    return timed(lambda: loras.list_loras(folder))


def _bare(folder: Path) -> None:
    """Read every header and throw it away."""
    for inner in os.scandir(folder):
        for entry in os.scandir(inner.path):
            with open(entry.path, "rb") as file:  # noqa: PTH123 - the cheapest way there is
                file.read(*struct.unpack("<Q", file.read(8)))


def _line(measure: str, values: list[float], bare: list[float], goal: float) -> Line:
    middle = sorted(values)[len(values) // 2]
    return Line(
        benchmark="loras",
        measure=f"list {FILES:,} LoRAs, {measure}",
        imagineer=seconds(values),
        reference=f"scandir, open, read the header: {seconds(bare)}",
        ratio=middle / sorted(bare)[len(bare) // 2],
        goal=f"<= {goal} s",
        met=middle <= goal,
    )
