"""Look for files that come, go and change in the LoRA folder while somebody follows, and tell of them.

Looking is cheap (names, sizes and times; no file is opened), and there is no system call for it that works on every
system and network drive.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from imagineerd.errors import ImagineerError
from imagineerd.lora.library import Identity, read_library
from imagineerd.protocol import LorasChanged

log = logging.getLogger("imagineerd.lora")

EVERY_S = 2.0
"""Seconds between two looks, at least."""
REST = 50
"""A look is followed by so many times its own duration without one: looking takes 2 % of a thread at most."""
NAMED = 100
"""Names that an event lists of each sort, at most."""

Seen: TypeAlias = dict[str, tuple[Identity, Identity | None]]
"""The LoRAs by name: what file and note are recognised by."""


def look(folder: Path | None) -> Seen:
    """Return what is in the folder."""
    return {lora.name: (lora.identity, lora.sidecar) for lora in read_library(folder).loras.values()}


def difference(before: Seen, now: Seen) -> LorasChanged:
    """Return what is new, gone and changed, each by name."""
    return LorasChanged(
        added=_some(now.keys() - before.keys()),
        removed=_some(before.keys() - now.keys()),
        changed=_some(name for name in now.keys() & before.keys() if now[name] != before[name]),
    )


async def watch(
    folder: Callable[[], Path | None], followed: Callable[[], object], tell: Callable[[LorasChanged], Awaitable[None]]
) -> None:
    """Look again and again while `followed` says that somebody follows; what was missed meanwhile is told later."""
    seen = await asyncio.to_thread(look, folder())
    rest = EVERY_S
    while True:
        await asyncio.sleep(rest)
        if followed():
            began = time.monotonic()
            now = await asyncio.to_thread(look, folder())
            rest = max(EVERY_S, REST * (time.monotonic() - began))
            seen = now if await _told(tell, difference(seen, now)) else seen


async def _told(tell: Callable[[LorasChanged], Awaitable[None]], what: LorasChanged) -> bool:
    try:
        if what != LorasChanged():
            await tell(what)
    except ImagineerError as error:
        log.error("A change of the LoRA folder is told later: %s", error)  # noqa: TRY400 - the sentence says it all
        return False
    return True


def _some(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names)[:NAMED])
