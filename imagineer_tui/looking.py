"""The commands that look: nothing changes by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from imagineer_tui import choosing, tables
from imagineer_tui.arguments import settings_of
from imagineer_tui.run import FAILED, OK, Run
from imagineerd import protocol
from imagineerd.errors import DaemonAway
from imagineerd.jobs import State

P = TypeVar("P", protocol.Batches, protocol.Jobs, protocol.Queue, protocol.Takes)

PAGE = 1000


def plan(run: Run) -> int:
    """Show what `deal` would do."""
    client, options = run.client(start=True), run.options
    theme, cards = run.theme(), choosing.cards(client, options.set, options.cards)
    run.out.show(client.plan(options.set, theme, settings_of(options), cards), tables.plan)
    return OK


def themes(run: Run) -> int:
    """Make up themes."""
    run.out.show(run.client(start=True).themes(run.options.count, run.options.seed), tables.themes)
    return OK


def sets(run: Run) -> int:
    """List the sets, or show one."""
    client = run.client(start=True)
    if run.options.set:
        run.out.show(client.show_set(run.options.set), tables.set_detail)
    else:
        run.out.show(client.sets(), tables.sets)
    return OK


def batches(run: Run) -> int:
    """List batches."""
    client = run.client(start=True)

    def page(limit: int, before: Any) -> protocol.Batches:
        return client.batches(limit, before, auditions=run.options.auditions)

    run.out.show(pages(run, page, "batches"), tables.batches)
    return OK


def show(run: Run) -> int:
    """Show a batch."""
    run.out.show(run.client(start=True).batch(run.options.batch), tables.batch)
    return OK


def jobs(run: Run) -> int:
    """List jobs."""
    client, options = run.client(), run.options
    chosen = [State(name) for name in options.state or ()]

    def page(limit: int, before: Any) -> protocol.Jobs:
        return client.jobs(chosen, options.batch, limit, before)

    run.out.show(pages(run, page, "jobs"), tables.jobs)
    return OK


def queue(run: Run) -> int:
    """List what runs and what waits."""
    client = run.client()

    def page(limit: int, after: Any) -> protocol.Queue:
        return client.queue(limit, after)

    run.out.show(pages(run, page, "jobs", "after"), tables.queue)
    return OK


def status(run: Run) -> int:
    """Show how the daemon is."""
    run.out.show(run.client().status(), tables.status)
    return OK


def doctor(run: Run) -> int:
    """Check everything; a daemon that cannot be started is what the first check finds."""
    from imagineer_tui.terminal.checks import check_preferences, check_terminal

    try:
        found = run.client(start=True).doctor()
    except DaemonAway as error:
        said = " ".join((error.message, *(str(problem) for problem in error.problems)))
        remedy = "Run `imagineerd` in the foreground to see what it says."
        check = protocol.Check(name="daemon", level="fail", message=said, remedy=remedy)
        found = protocol.Doctor(checks=(check,))
    here = (*check_terminal(run.environ), *check_preferences(run.environ))
    found = msgspec.structs.replace(found, checks=(*found.checks, *here))
    run.out.show(found, tables.doctor)
    return FAILED if any(check.level == "fail" for check in found.checks) else OK


def pages(run: Run, page: Callable[[int, Any], P], field: str, mark: str = "before") -> P:
    """Return one page of `--limit` rows or, with `--all`, all pages as one; `mark` is what the next one is asked by."""
    if not run.options.all:
        return page(run.options.limit, None)
    whole = page(PAGE, None)
    while (last := getattr(whole, mark)) is not None:
        following = page(PAGE, last)
        rows = getattr(whole, field) + getattr(following, field)
        whole = msgspec.structs.replace(following, **{field: rows})
    return whole
