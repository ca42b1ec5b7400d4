"""`imagineer`: the command line."""

from __future__ import annotations

import sys

from imagineer_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
