"""A daemon with the fake worker for which an hour is short: `compressed_daemon.py EVENTS_KEPT TIDY_S`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from imagineerd import daemon, logs
from imagineerd.config import find_paths, load_config

FAKE = Path(__file__).resolve().parents[1] / "fake_worker.py"


def main() -> None:
    """Run the daemon in the foreground."""
    kept, tidy_s = sys.argv[1:]
    daemon.EVENTS_KEPT, daemon.TIDY_S = int(kept), float(tidy_s)
    logs.configure("warning")
    paths = find_paths(os.environ)
    asyncio.run(daemon.run(paths, load_config(paths), worker=(sys.executable, str(FAKE), "fine")))


if __name__ == "__main__":
    main()
