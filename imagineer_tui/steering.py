"""The commands that change what is there: picks, the queue, the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imagineer_tui import tables
from imagineer_tui.output import Output
from imagineer_tui.run import OK, Run
from imagineerd import protocol
from imagineerd.errors import DaemonAway, Invalid
from imagineerd.sockets import is_held

STOP_S = 30.0
"""Seconds that a daemon may take to leave after it said that it will."""
LOOK_S = 0.02


def pick(run: Run) -> int:
    """Make a take the pick."""
    done = run.client(start=True).pick(run.options.take)
    run.out.show(done, saying(f"Take {run.options.take} counts for its card now."))
    return OK


def cancel(run: Run) -> int:
    """Cancel jobs or a batch."""
    run.out.show(run.client().cancel(**numbers_or_batch(run.options.what)), tables.cancelled)
    return OK


def retry(run: Run) -> int:
    """Queue jobs again."""
    if run.options.failed == bool(run.options.what):
        raise Invalid(message="Name jobs by their numbers, or one batch, or say --failed for all that failed.")
    chosen = {"failed": True} if run.options.failed else numbers_or_batch(run.options.what)
    run.out.show(run.client(start=True).retry(**chosen), tables.retried)
    return OK


def hold(run: Run) -> int:
    """Hold jobs."""
    run.out.show(run.client().hold(**numbers_or_batch(run.options.what)), tables.held)
    return OK


def release(run: Run) -> int:
    """Queue held jobs again."""
    run.out.show(run.client(start=True).release(**numbers_or_batch(run.options.what)), tables.retried)
    return OK


def move(run: Run) -> int:
    """Move jobs within the queue."""
    chosen, options = numbers_or_batch(run.options.what), run.options
    run.out.show(run.client().move(**chosen, end=options.end, before=options.before), tables.placed)
    return OK


def priority(run: Run) -> int:
    """Give jobs another priority."""
    chosen, options = numbers_or_batch(run.options.what), run.options
    run.out.show(run.client().set_priority(options.priority, **chosen), tables.placed)
    return OK


def pause(run: Run) -> int:
    """Pause the queue."""
    done = run.client().pause(now=run.options.now)
    run.out.show(done, saying("The queue is paused; imagineer resume"))
    return OK


def resume(run: Run) -> int:
    """Let the queue go on."""
    run.out.show(run.client(start=True).resume(), saying("The queue goes on."))
    return OK


def start(run: Run) -> int:
    """Start the daemon, if none answers."""
    run.only_here("A daemon is started on its own machine")
    run.out.show(run.client(start=True).status(), tables.status)
    return OK


def stop(run: Run) -> int:
    """Stop the daemon and wait until it has left, so that another can be started at once."""
    try:
        client = run.client()
    except DaemonAway:
        run.out.show(protocol.Done(), saying("No daemon was running."))
        return OK
    pid = client.status().pid
    done = client.stop()
    if run.far is None:
        _wait_until_gone(pid, run.paths.sockets_lock_file)
    run.out.show(done, saying(f"imagineerd (pid {pid}) has stopped; the queue stays."))
    return OK


def saying(sentence: str) -> Callable[[Output, object], None]:
    """Return what prints a sentence in place of the data."""

    def printer(out: Output, _: object) -> None:
        out.line(sentence)

    return printer


def numbers_or_batch(words: list[str], things: str = "jobs") -> dict[str, Any]:
    """Return the arguments that the words stand for: numbers of jobs (or of other things), or one batch."""
    if all(word.isdecimal() for word in words):
        return {things: [int(word) for word in words]}
    if len(words) == 1:
        return {"batch_id": words[0]}
    raise Invalid(message=f"Name {things} by their numbers, or one batch.")


def _wait_until_gone(pid: int, lock_file: Path) -> None:
    end = time.monotonic() + STOP_S
    while is_held(lock_file):
        if time.monotonic() > end:
            raise DaemonAway(f"imagineerd (pid {pid}) said that it stops, but has not left after {STOP_S:g} seconds.")
        time.sleep(LOOK_S)
