"""`imagineerd`: arguments → Config → Daemon."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from imagineerd.errors import ImagineerError
from imagineerd.version import VERSION


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon in the foreground; return the exit code (2: it could not start)."""
    parser = argparse.ArgumentParser(
        prog="imagineerd",
        description="The imagineer daemon: it owns the Stable Diffusion pipeline and the queue.",
    )
    parser.add_argument("--version", action="version", version=f"imagineerd {VERSION}")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    options = parser.parse_args(arguments)
    try:
        _run(options.log_level)
    except ImagineerError as error:
        for line in error.problems or (error.message,):
            print(f"imagineerd: {line}", file=sys.stderr)
        return 2
    return 0


def _run(log_level: str | None) -> None:
    # Imported late so that --version and --help answer at once.
    from imagineerd import logs
    from imagineerd.config import find_paths, load_config
    from imagineerd.daemon import run

    paths = find_paths(os.environ)
    config = load_config(paths)
    logs.configure(log_level or config.daemon.log_level)
    asyncio.run(run(paths, config))


if __name__ == "__main__":
    sys.exit(main())
