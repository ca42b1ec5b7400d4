"""The daemon with a worker that takes orders and never draws, for measures of which torch is no part."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from imagineerd.config import find_paths, load_config
from imagineerd.daemon import run

WORKER = (sys.executable, str(Path(__file__).with_name("idle_worker.py")))


def main() -> None:
    """Run until SIGTERM."""
    paths = find_paths(os.environ)
    asyncio.run(run(paths, load_config(paths), WORKER))


if __name__ == "__main__":
    main()
