"""A daemon with the fake worker for which time flies: `compressed_daemon.py TIDY_S DAY_S`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from imagineerd import daemon, logs, tidying
from imagineerd.config import find_paths, load_config

FAKE = Path(__file__).resolve().parents[1] / "fake_worker.py"


def main() -> None:
    """Run the daemon in the foreground."""
    tidying.TIDY_S, tidying.DAY_S = map(float, sys.argv[1:])
    tidying.WORTH_IT = 0
    logs.configure("warning")
    paths = find_paths(os.environ)
    asyncio.run(daemon.run(paths, load_config(paths), worker=(sys.executable, str(FAKE), "fine")))


if __name__ == "__main__":
    main()
