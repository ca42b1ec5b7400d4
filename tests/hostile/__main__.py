"""`python -m hostile --seed 1 --frames 1000000`, in `tests/`: besiege a daemon and tell what was found.

Exit code 1 where something was found; the same seed sends the same frames.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from long_form import tell  # noqa: E402

from hostile.siege import Siege  # noqa: E402

RESULT = Path(__file__).with_name("result.json")


def main() -> int:
    """Run a siege; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--save", action="store_true", help=f"write the result to {RESULT.name}, too")
    options = parser.parse_args()
    return tell(Siege(options.seed).run(options.frames), RESULT if options.save else None)


if __name__ == "__main__":
    sys.exit(main())
