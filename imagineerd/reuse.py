"""Give a job the stored picture of the same spec instead of drawing it once more.

The PNG is linked, so that it takes no room of its own and stays when the other one is deleted; the sidecar tells the
job that it is for now, and which take it is from. As a worker does, the sidecar comes first and the PNG last: after a
crash the picture is adopted, or the job is drawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from imagineerd.errors import ImagineerError
from imagineerd.logs import pairs
from imagineerd.naming import stem_of, thumbnail_of
from imagineerd.replacing import sync_folder
from imagineerd.store import Store
from imagineerd.store.moves import NewTake
from imagineerd.store.reuse import Reusable

log = logging.getLogger("imagineerd.reuse")

OF_ITS_OWN: Final = ("label",)
"""Keys of a sidecar that speak of the take and not of the picture."""


class Reuse:
    """Works through what can be reused, job by job; `draw` is told of those that are to be drawn after all."""

    def __init__(self, store: Store, draw: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        self._store = store
        self._draw = draw
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, found: Sequence[Reusable]) -> None:
        """Finish these jobs with their pictures, soon."""
        task = asyncio.create_task(self._give(found))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give(self, found: Iterable[Reusable]) -> None:
        for each in found:
            try:
                given = await reuse(self._store, each)
            except (ImagineerError, OSError) as error:
                log.warning("A stored picture cannot be used again: %s", error, extra=pairs(job=each.job))
                given = False
            if not given:
                await self._draw([each.job])


async def reuse(store: Store, found: Reusable) -> bool:
    """Finish a job with a stored picture; False where that is not whole any more, or the job waits no more.

    Raises `DiskError` and `OSError`; then no file is left.
    """
    async with store.files:
        made: list[Path] = []
        taken = None
        try:
            if new := await asyncio.to_thread(copy_take, found, made):
                taken = await store.reuse(found.job, new, time.time())
        finally:
            if taken is None:
                await asyncio.to_thread(_remove, made)
        return taken is not None


def copy_take(found: Reusable, made: list[Path]) -> NewTake | None:
    """Make the three files of a take from another one's; `made` grows by each. None where its PNG is not as it was."""
    picture, take = found.source / found.take.file, found.take
    if not picture.is_file() or hashlib.sha256(picture.read_bytes()).hexdigest() != take.sha256:
        return None
    stem = _claim(found, _sidecar(found, picture.with_suffix(".json")), made)
    thumb = found.source / thumbnail_of(take.file)
    if thumb.is_file():
        made.append(found.folder / thumbnail_of(f"{stem}.png"))
        made[-1].parent.mkdir(exist_ok=True)
        shutil.copyfile(thumb, made[-1])
    made.append(found.folder / f"{stem}.png")
    _link(picture, made[-1])
    sync_folder(found.folder)
    return NewTake(
        file=made[-1].name,
        seed=take.seed,
        width=take.width,
        height=take.height,
        bytes=take.bytes,
        sha256=take.sha256,
        color=take.color,
        cached=True,
    )


def _sidecar(found: Reusable, source: Path) -> bytes:
    about = json.loads(source.read_bytes()) if source.is_file() else {"seed": found.take.seed}
    about = {key: value for key, value in about.items() if key not in OF_ITS_OWN}
    about |= {"job": found.job, "batch": found.batch, "slot": found.slot, "name": found.name}
    about |= {"attempt": 1, "duration": 0.0, "cached": True, "cached_from": found.take.id}
    return (json.dumps(about, indent=2) + "\n").encode()


def _claim(found: Reusable, sidecar: bytes, made: list[Path]) -> str:
    """Write the sidecar under the first free name of this card and return that name."""
    found.folder.mkdir(parents=True, exist_ok=True)
    first = stem_of(found.slot, found.name)
    stem, number = first, 1
    while True:
        path = found.folder / f"{stem}.json"
        with contextlib.suppress(FileExistsError):
            if not path.with_suffix(".png").exists():
                with path.open("xb") as file:
                    made.append(path)
                    file.write(sidecar)
                    file.flush()
                    os.fsync(file.fileno())
                return stem
        number += 1
        stem = f"{first}_{number}"


def _link(source: Path, target: Path) -> None:
    """Make a file appear that has the content of another, which a file system without links gets as a copy."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(target)


def _remove(made: Iterable[Path]) -> None:
    for path in reversed(list(made)):
        path.unlink(missing_ok=True)
