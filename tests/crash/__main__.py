"""`python -m crash --seed 1 --kills 1000`, in `tests/`: torment a daemon and tell what was found.

Exit code 1 where something was found; the same seed falls on the same blows, though not at the same microseconds.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

import msgspec  # noqa: E402

from crash.campaign import PLAYERS, Campaign, Outcome  # noqa: E402
from imagineerd.version import VERSION  # noqa: E402

RESULT = Path(__file__).with_name("result.json")


class Result(msgspec.Struct):
    """The outcome of a long run, when and on what it ran."""

    date: str
    versions: dict[str, str]
    outcome: Outcome


def main() -> int:
    """Run a campaign; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--players", type=int, default=PLAYERS, help="clients that deal and steer")
    parser.add_argument("--real", action="store_true", help="use the real worker and the starter model: slow")
    parser.add_argument("--save", action="store_true", help=f"write the result to {RESULT.name}, too")
    options = parser.parse_args()
    outcome = Campaign(options.seed, players=options.players, real=options.real).run(options.kills)
    result = Result(
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        {"imagineer": VERSION, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
        outcome,
    )
    told = msgspec.json.format(msgspec.json.encode(result)) + b"\n"
    sys.stdout.write(told.decode())
    if options.save:
        RESULT.write_bytes(told)
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
