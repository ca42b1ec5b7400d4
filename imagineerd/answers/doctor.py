"""Looking at everything that may be wrong."""

from __future__ import annotations

import asyncio
import sqlite3

from imagineerd import protocol
from imagineerd.answers import card_sets
from imagineerd.answers.parts import Parts
from imagineerd.doctor import run_checks
from imagineerd.errors import ModelError, Problem


async def examine(parts: Parts) -> protocol.Doctor:
    """Run all checks."""
    library = await card_sets.library(parts)
    problems = tuple(problem for found in library.problems.values() for problem in found)
    return protocol.Doctor(checks=await asyncio.to_thread(_checks, parts, problems))


def _checks(parts: Parts, problems: tuple[Problem, ...]) -> tuple[protocol.Check, ...]:
    try:
        model = parts.models.find(None).info
    except ModelError:
        model = None
    worker = parts.dispatcher.info
    return run_checks(parts.paths, parts.config, worker, model, problems, sqlite=sqlite3.sqlite_version)
