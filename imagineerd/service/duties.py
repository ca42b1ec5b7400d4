"""The daemon as a service: what it tells its service manager while it runs, and reloading on SIGHUP.

All of it works without a manager too: then nobody is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from imagineerd import protocol
from imagineerd.dispatch import Dispatcher
from imagineerd.errors import ImagineerError
from imagineerd.logs import pairs
from imagineerd.requests import Requests
from imagineerd.service import notify
from imagineerd.store import Store

log = logging.getLogger("imagineerd.service")

STATUS_S: Final = 1.0
"""Seconds between two looks at what the status line says; it is sent where it changed."""
DRAIN_S: Final = 45.0
"""Seconds that draining takes at most: the worker's time to stop (`dispatch.QUIT_S`), to be reaped, and the disk's."""


def works(
    store: Store, dispatcher: Dispatcher, requests: Requests, reload: asyncio.Event
) -> list[Coroutine[Any, Any, None]]:
    """Return what must run beside the daemon, each without end; `reload` is set when SIGHUP comes."""
    every = notify.beat_every()
    beats = [feed_watchdog(store, every)] if every is not None else []
    return [*beats, report_status(dispatcher), keep_reloading(requests, reload)]


async def feed_watchdog(store: Store, every: float) -> None:
    """Beat as long as both the event loop and the writer thread answer.

    This coroutine is the loop's answer. The worker has no say: `Dispatcher` watches it, and a GPU that hangs must not
    end the daemon.
    """
    while True:
        await store.answers()
        notify.tell("WATCHDOG=1")
        await asyncio.sleep(every)


async def report_status(dispatcher: Dispatcher) -> None:
    """Keep the line that `systemctl status` shows up to date."""
    said = ""
    while True:
        waiting, running = len(dispatcher.waiting), len(dispatcher.running)
        text = status_line(dispatcher.info, waiting, running, paused=dispatcher.paused)
        if text != said:
            notify.tell(f"STATUS={text}")
            said = text
        await asyncio.sleep(STATUS_S)


def status_line(worker: protocol.Worker, waiting: int, running: int, *, paused: bool) -> str:
    """Return queue depth and worker phase in one line."""
    detail = " ".join(worker.detail.split())
    depth = f"{'paused: ' if paused else ''}{waiting} waiting, {running} running"
    return f"{depth}; worker {worker.phase}{detail and f' ({detail})'}"


async def keep_reloading(requests: Requests, wanted: asyncio.Event) -> None:
    """Read the configuration again whenever that is wanted."""
    while True:
        await wanted.wait()
        wanted.clear()
        notify.reloading()
        await _reload(requests)
        notify.tell("READY=1")


async def _reload(requests: Requests) -> None:
    try:
        waits = await requests.configuring.reload()
    except ImagineerError as error:
        for problem in error.problems or (error.message,):
            log.error("The configuration stays as it was: %s", problem)  # noqa: TRY400 - the sentence says it all
    else:
        log.info("The configuration was read again.", extra=pairs(wait_for_restart=",".join(waits) or "nothing"))
