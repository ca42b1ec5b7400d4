"""`python -m real_labeler`, in `tests/`: build the labeler's image as people do, and run the real Claude CLI in it.

Exit code 1 where something was found.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from long_form import tell  # noqa: E402

from real_labeler import trial  # noqa: E402

RESULT = Path(__file__).with_name("result.json")


def main() -> int:
    """Make a base, build on it, try the image; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--debian", type=Path, help="a debootstrap root to begin with, in place of a new one")
    parser.add_argument("--save", action="store_true", help=f"write the result to {RESULT.name}, too")
    options = parser.parse_args()
    return tell(trial.run(options.debian), RESULT if options.save else None)


if __name__ == "__main__":
    sys.exit(main())
