"""`python tests/benchmarks/run.py [NAME…]`: measure, and print one table of ratios.

Every measure stands beside a reference that runs in the same minute on the same machine, in turn with it, so that a
busy neighbour slows both. A busy machine breaks goals in seconds, though: look at the load above the table.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]
os.environ["PYTHONPATH"] = str(HERE.parents[1])

from table import Line, heading, report, save, table  # noqa: E402

BENCHMARKS = {
    "imports": "What a command costs before it does anything.",
    "submitting": "10,000 jobs into the queue, and a page of them out.",
    "announcing": "Events to 50 subscribers.",
    "recovering": "A daemon that was killed, with 100,000 jobs in its history.",
    "loras": "A library of 2,000 LoRAs, looked into for the first time and again.",
    "mixing": "From one mix of LoRAs to another, and the UNet with it.",
    "asking": "Requests while the worker draws.",
    "dying": "A worker that is killed, and the next one.",
    "starting": "From nothing to the first card.",
    "opening": "From the command to the first paint of the terminal UI, beside a bare Textual app.",
    "slow_link": "The terminal UI's event loop on a line of 200 kB/s, beside one without a limit.",
    "compiling": "A compiled UNet after a restart; needs a C++ compiler.",
    "labeling": "A label, beside docker run by hand; needs root.",
    "scheduling": "Mixed work of several people, on a simulated device.",
    "speed": "A card: bare, with adapters, at each batch size, watched, beside the files; see also speed.py --help.",
    "drawing": "A deck: the daemon, a bare pipeline, and one process for each picture.",
}
"""Module -> what it measures; each has `lines() -> list[Line]`."""


def main() -> int:
    """Run the benchmarks that are named, or all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--save", action="store_true", help="write the table into results/, too")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}: choose from {', '.join(BENCHMARKS)}")
    before = os.getloadavg()[0]
    lines = [line for name in options.names or BENCHMARKS for line in measured(name)]
    whole = report(lines, before, os.getloadavg()[0])
    sys.stdout.write(f"{heading(whole)}\n\n{table(lines)}\n")
    if options.save:
        sys.stdout.write(f"\nSaved as {save(whole).relative_to(HERE.parents[1])}.json and .md.\n")
    return 0


def measured(name: str) -> list[Line]:
    """Run one benchmark; one that breaks is a line of its own, and the others go on."""
    sys.stderr.write(f"{name}: {BENCHMARKS[name]}\n")
    try:
        lines: list[Line] = import_module(name).lines()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told below
        traceback.print_exc()
        return [Line(benchmark=name, measure=f"broke: {error!r}", imagineer="", met=False)]
    return lines


if __name__ == "__main__":
    sys.exit(main())
