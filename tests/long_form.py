"""What a long run of `crash`, `hostile` or `soak` tells and leaves behind: its outcome, when and on what it ran."""

from __future__ import annotations

import platform
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec

from imagineerd.version import VERSION


class Outcome(Protocol):
    """What came of a run; `findings` are sentences."""

    findings: list[str]


class Result(msgspec.Struct):
    """An outcome with its date and versions."""

    date: str
    versions: dict[str, str]
    outcome: Any


def tell(outcome: Outcome, save: Path | None) -> int:
    """Print the result, write it to a file, too, and return the exit code: 1 where something was found."""
    versions = {
        "imagineer": VERSION,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{package: version(package) for package in ("pyzmq", "msgspec")},
    }
    result = Result(datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), versions, outcome)
    told = msgspec.json.format(msgspec.json.encode(result)) + b"\n"
    sys.stdout.write(told.decode())
    if save:
        save.write_bytes(told)
    return 1 if outcome.findings else 0
