"""`python -m crash --seed 1 --kills 1000`, in `tests/`: torment a daemon and tell what was found.

Exit code 1 where something was found; the same seed falls on the same blows, though not at the same microseconds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from long_form import tell  # noqa: E402

from crash.campaign import PLAYERS, Campaign  # noqa: E402

RESULT = Path(__file__).with_name("result.json")
REAL_RESULT = RESULT.with_name("result_real.json")


def main() -> int:
    """Run a campaign; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--players", type=int, default=PLAYERS, help="clients that deal and steer")
    parser.add_argument("--real", action="store_true", help="use the real worker and the starter model: slow")
    parser.add_argument("--save", action="store_true", help=f"write {RESULT.name} or {REAL_RESULT.name}, too")
    options = parser.parse_args()
    outcome = Campaign(options.seed, players=options.players, real=options.real).run(options.kills)
    result = REAL_RESULT if options.real else RESULT
    return tell(outcome, result if options.save else None)


if __name__ == "__main__":
    sys.exit(main())
