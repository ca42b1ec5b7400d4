"""What a benchmark says: one line for each measure, a table of them, and the files that `--save` writes."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("benchmark", "measure", "imagineer", "reference", "ratio", "goal", "met")
PACKAGES = ("torch", "diffusers", "transformers", "pyzmq", "msgspec")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One measure. `met` is None where there is no goal; `ratio` is the one that the goal speaks of."""

    benchmark: str
    measure: str
    imagineer: str
    reference: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


class Report(msgspec.Struct, frozen=True):
    """A run: the lines, and what the numbers depend on. Loads are the one-minute averages."""

    date: str
    cpu: str
    cores: int
    versions: dict[str, str]
    load_before: float
    load_after: float
    lines: tuple[Line, ...]


def seconds(values: Sequence[float]) -> str:
    """Return the median of some durations and how many there were."""
    middle = statistics.median(values)
    text = f"{middle * 1000:.2f} ms" if middle < 1 else f"{middle:.2f} s"
    return f"{text} (of {len(values)})" if len(values) > 1 else text


def median_of(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Run the measures in turn, `rounds` times, so that all meet the same neighbours; return what each one gave."""
    values: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for own, measure in zip(values, measures, strict=True):
            own.append(measure())
    return values


def percentile(values: Iterable[float], percent: int) -> float:
    """Return the smallest value that `percent` % of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def table(lines: Iterable[Line]) -> str:
    """Return the lines as a Markdown table whose columns stand in line in a terminal, too."""
    return in_columns([COLUMNS, *map(_cells, lines)])


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a Markdown table, the first one its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    texts = [f"| {' | '.join(cells)} |" for cells in padded]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def report(lines: Sequence[Line], load_before: float, load_after: float) -> Report:
    """Return the lines with the date, the machine and the versions."""
    return Report(
        date=time.strftime("%Y-%m-%d %H:%M:%S"),
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        versions={
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **{package: _version(package) for package in PACKAGES},
        },
        load_before=round(load_before, 2),
        load_after=round(load_after, 2),
        lines=tuple(lines),
    )


def heading(whole: Report) -> str:
    """Return in two lines what the numbers depend on."""
    versions = ", ".join(f"{name} {number}" for name, number in whole.versions.items())
    load = f"load {whole.load_before} before and {whole.load_after} after"
    return f"{whole.date}, {whole.cores} cores of {whole.cpu}, {load}\n{versions}"


def save(whole: Report) -> Path:
    """Write the run as JSON and as Markdown; return the path without suffix."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / whole.date.replace(" ", "_").replace(":", "")
    encoded = msgspec.json.format(msgspec.json.encode(whole), indent=1)
    path.with_suffix(".json").write_bytes(encoded + b"\n")
    path.with_suffix(".md").write_text(f"{heading(whole)}\n\n{table(whole.lines)}\n")
    return path


def _cells(line: Line) -> tuple[str, ...]:
    ratio = "" if line.ratio is None else f"{line.ratio:.3g}"
    met = {True: "yes", False: "NO", None: ""}[line.met]
    return (line.benchmark, line.measure, line.imagineer, line.reference, ratio, line.goal, met)


def _version(package: str) -> str:
    """Return a package's version; a benchmark that does without it runs without it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
