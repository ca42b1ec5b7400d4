"""`imagineer`: the terminal UI without arguments, the command line with some."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the program; return the exit code."""
    if len(sys.argv) == 1 and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        from imagineer_tui.opening import open_app

        return open_app(os.environ)
    from imagineer_tui import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
