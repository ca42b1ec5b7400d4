"""`imagineer completion SHELL`: print a script that the shell reads."""

from __future__ import annotations

import shtab

from imagineer_tui.arguments import build_parser
from imagineer_tui.run import OK, Run


def completion(run: Run) -> int:
    """Print the script."""
    run.out.line(shtab.complete(build_parser(), shell=run.options.shell).rstrip("\n"))
    return OK
