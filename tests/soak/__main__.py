"""`python -m soak --seed 1 --hours 24 --decks 12`, in `tests/`: a day of work in minutes.

Exit code 1 where something was found.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from long_form import tell  # noqa: E402

from soak import day  # noqa: E402

RESULT = Path(__file__).with_name("result.json")
FORGOTTEN = RESULT.with_name("result_forgotten.json")


def main() -> int:
    """Work through a day; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--decks", type=int, default=12, help="decks of 12 cards that each of 4 people deals an hour")
    parser.add_argument("--throw-away", action="store_true", help="keep nothing: retention forgets it all")
    parser.add_argument("--save", action="store_true", help=f"write the result to {RESULT.name}, too")
    options = parser.parse_args()
    outcome = day.run(options.seed, options.hours, options.decks, keep=not options.throw_away)
    result = FORGOTTEN if options.throw_away else RESULT
    return tell(outcome, result if options.save else None)


if __name__ == "__main__":
    sys.exit(main())
