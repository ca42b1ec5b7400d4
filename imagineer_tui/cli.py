"""`imagineer COMMAND`: find the command, run it, and turn errors into sentences and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Final

from imagineer_tui.arguments import build_parser
from imagineer_tui.run import AWAY, FAILED, INTERRUPTED, OK, USAGE, Run
from imagineerd.errors import DaemonAway, ImagineerError

MODULES: Final = {
    "making": ("deal", "generate", "reroll", "complete", "watch"),
    "gridding": ("grid", "sheet"),
    "exporting": ("export",),
    "looking": ("plan", "themes", "sets", "batches", "show", "jobs", "queue", "status", "doctor"),
    "steering": ("pick", "cancel", "retry", "hold", "release", "move", "priority", "pause", "resume", "start", "stop"),
    "curating": ("take", "search", "favourite", "delete", "restore", "trash"),
    "library": ("loras", "lora", "mix"),
    "labels": ("label", "labels"),
    "configuring": ("config",),
    "keys": ("keys",),
    "far": ("open_far",),
    "completion": ("completion",),
}
"""Where a command's function of the same name stands; a module is imported when one of its commands runs."""

WRONG_INPUT: Final = frozenset({"E_INVALID", "E_NOT_FOUND", "E_STATE", "E_CONFLICT", "E_TOO_LARGE", "E_LORA"})
"""Errors that another command line would not have met."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    _write_all_that_can_be()
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None and (options.host or options.connect):
        options.command = "open_far"
    if options.command is None:
        sys.stdout.write("Welcome! Try `imagineer deal zodiac --theme random` to see twelve cards.\n\n")
        parser.print_help()
        return OK
    run = Run(options, os.environ)
    try:
        return _carry_out(run)
    finally:
        run.close()


def command_of(name: str) -> Callable[[Run], int]:
    """Return the function of a command."""
    module = next(module for module, names in MODULES.items() if name in names)
    command: Callable[[Run], int] = getattr(import_module(f"imagineer_tui.{module}"), name)
    return command


def exit_code(error: ImagineerError) -> int:
    """Return what the shell is told of an error."""
    if isinstance(error, DaemonAway):
        return AWAY
    return USAGE if error.code in WRONG_INPUT else FAILED


def _write_all_that_can_be() -> None:
    """Have `?` stand for what the terminal's encoding lacks, where Python would give up."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="replace")


def _carry_out(run: Run) -> int:
    try:
        code = command_of(run.options.command)(run)
        sys.stdout.flush()
    except ImagineerError as error:
        run.out.error(error)
        return exit_code(error)
    except UnicodeEncodeError as error:
        run.out.notice(f"imagineer: Only UTF-8 text can be sent to imagineerd, and {error.object!r} is none.")
        return USAGE
    except KeyboardInterrupt:
        run.out.notice("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads our output has seen enough; Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code
