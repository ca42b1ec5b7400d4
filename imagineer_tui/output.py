"""Where the command line writes: data and results to standard output, notices and errors to standard error."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, TextIO, TypeVar

import msgspec

from imagineer_tui.printable import guard, printable
from imagineerd.errors import ImagineerError

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


class Output:
    """With `json`, standard output carries one JSON document and nothing else."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json

    @cached_property
    def console(self) -> Console:
        """Where tables and progress go. rich is loaded for them alone, since it takes a while."""
        from rich import control
        from rich.console import Console

        guard(control)
        return Console(highlight=False, markup=False, emoji=False)

    def show(self, data: T, printer: Callable[[Output, T], None]) -> None:
        """Print data: as JSON if that is wanted, else by the printer."""
        if self.json:
            self.line(msgspec.json.encode(data).decode())
        else:
            printer(self, data)

    def line(self, text: str = "") -> None:
        """Print a line as it is, never wrapped or cropped."""
        _write(text, sys.stdout)

    def prose(self, text: str) -> None:
        """Print sentences for people, broken between words on a terminal."""
        self.line(wrapped(text, sys.stdout))

    def result(self, text: str) -> None:
        """Print a sentence for people; with `json` to standard error."""
        (self.notice if self.json else self.line)(text)

    def notice(self, text: str) -> None:
        """Print a sentence beside the result."""
        sys.stdout.flush()
        _write(text, sys.stderr)

    def warnings(self, warnings: Iterable[str]) -> None:
        """Print warnings, one on a line."""
        for warning in warnings:
            self.notice(wrapped(f"Warning: {warning}", sys.stderr))

    def error(self, error: ImagineerError) -> None:
        """Print the sentence of an error, then its problems, one on a line."""
        problems = [str(problem) for problem in error.problems]
        if error.message not in {" ".join(problems), *problems}:
            self.notice(f"imagineer: {error.message}")
            problems = [f"  {problem}" for problem in problems]
        for problem in problems:
            self.notice(problem if problem.startswith(" ") else f"imagineer: {problem}")


def _write(text: str, stream: TextIO) -> None:
    """Write a line; a terminal would obey some of what a program only reads."""
    stream.write(f"{printable(text) if stream.isatty() else text}\n")


def wrapped(text: str, stream: TextIO) -> str:
    """Return sentences broken between words, where `stream` is a terminal and so has a width."""
    return textwrap.fill(text, shutil.get_terminal_size().columns) if stream.isatty() else text
