"""A daemon whose worker is the fake one: `python run_daemon.py --worker MODE --hang-s SECONDS`.

`--program FILE` is another one to run in its place, with MODE as its argument.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import msgspec

from imagineerd import logs
from imagineerd.config import find_paths, load_config
from imagineerd.daemon import run

FAKE = Path(__file__).with_name("fake_worker.py")


def main() -> None:
    """Run the daemon in the foreground."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", default="fine")
    parser.add_argument("--hang-s", type=float, default=60.0)
    parser.add_argument("--program", type=Path, default=FAKE)
    options = parser.parse_args()
    logs.configure("debug")
    paths = find_paths(os.environ)
    config = load_config(paths)
    # The file takes no fewer than ten seconds, which are too long for a test.
    daemon = msgspec.structs.replace(config.daemon, hang_s=options.hang_s)
    config = msgspec.structs.replace(config, daemon=daemon)
    asyncio.run(run(paths, config, worker=(sys.executable, str(options.program), options.worker)))


if __name__ == "__main__":
    main()
