"""The trash: where the files of deleted takes are, and how they go there and back.

A row decides where files belong. Files are moved first and the row is committed then, so that a crash in between leaves
files at the wrong place and `reconcile` brings them to the right one: what was not acknowledged has not happened.
Emptying is the other way round, since it cannot be undone: the row says that they are gone, then they go.

A take's files are `ID.json`, `ID.jpg` and `ID.png` in the trash. Nothing is ever overwritten: where another take has
the name by now, a restored one gets the next that is free, which its row says before the files move.
"""

from __future__ import annotations

import asyncio
import errno
import filecmp
import hashlib
import itertools
import logging
import os
import stat
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from imagineerd.errors import DiskError
from imagineerd.naming import thumbnail_of
from imagineerd.protocol import Deleted, Emptied, Restored, Take, Variant
from imagineerd.replacing import replace_file
from imagineerd.store import Store, trash
from imagineerd.store.reconcile import read_sidecar
from imagineerd.store.trash import Stored

log = logging.getLogger("imagineerd.trash")

SUFFIXES: Final = (".json", ".jpg", ".png")
"""In the order in which they move: a sidecar claims a name, and where a PNG is, the take is complete."""


class Trash:
    """The trash of one store. Whoever moves or judges files holds `Store.files`."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.folder = folder
        self._store = store

    async def delete(self, takes: Sequence[int], batch: str | None) -> Deleted:
        """Put takes, or those of a batch, into the trash. Raises `NotFound`, `DiskError`; then none is deleted."""
        async with self._store.files:
            found = await self._store.run(trash.chosen, takes, batch, "kept")
            await self._move_all(found, away=True)
            chosen = tuple(take for take, _ in found)
            try:
                await self._store.run(trash.delete, chosen, time.time())
            except Exception:
                await self._move_all(found, away=False)
                raise
        return Deleted(takes=tuple(take.id for take in chosen))

    async def restore(self, takes: Sequence[int], batch: str | None) -> Restored:
        """Take them back, one after the other. Raises `NotFound`, `DiskError`; what was restored before that stays."""
        async with self._store.files:
            found = await self._store.run(trash.chosen, takes, batch, "trash")
            for stored in found:
                await self._restore(stored)
        return Restored(takes=tuple(take.id for take, _ in found))

    async def empty(self, deleted_before: float = float("inf")) -> Emptied:
        """Delete for good what was deleted before that time, in Unix seconds."""
        async with self._store.files:
            doomed = await self._store.run(trash.empty, deleted_before, time.time())
            freed = await asyncio.to_thread(lambda: sum(self._destroy(take.id) for take in doomed))
        return Emptied(takes=tuple(take.id for take in doomed), bytes=freed)

    async def reconcile(self) -> None:
        """Bring files to where their rows say they are, after a crash. It may be cut short and run again."""
        async with self._store.files:
            away = [stored for stored in await self._store.run(trash.in_trash) if not is_anothers(*stored)]
            await self._try_to_move(away, away=True)
            places = await self._store.run(trash.places, await asyncio.to_thread(self._ids))
            kept = [id_ for id_, place in places.items() if place == "kept"]
            back = await self._store.run(trash.chosen, kept, None, "kept")
            await self._try_to_move([await self._with_own_name(stored) for stored in back], away=False)
            gone = [id_ for id_, place in places.items() if place == "gone"]
            await asyncio.to_thread(lambda: [self._destroy(id_) for id_ in gone])

    def path_of(self, take: Take, home: Path, variant: Variant) -> Path:
        """Return where a file of a take is; `home` is the folder of its batch."""
        suffix = ".png" if variant == "full" else ".jpg"
        return self.folder / f"{take.id}{suffix}" if take.deleted_at is not None else home_of(take, home, suffix)

    def sidecar_of(self, take: Take, home: Path) -> Path:
        """Return where the sidecar of a take is; `home` is the folder of its batch."""
        return self.path_of(take, home, "full").with_suffix(".json")

    # ------------------------------------------------------------ moving

    async def _move_all(self, found: Iterable[Stored], *, away: bool) -> None:
        await asyncio.to_thread(self._move_each, tuple(found), away=away)

    def _move_each(self, found: Sequence[Stored], *, away: bool) -> None:
        """Move the files of all of them, or of none."""
        moved: list[tuple[Path, Path]] = []
        try:
            for take, home in found:
                pairs = self._pairs(take, home)
                for here, there in pairs if away else [(there, here) for here, there in pairs]:
                    if move(here, there):
                        moved.append((here, there))
        except OSError as error:
            for here, there in reversed(moved):
                move(there, here)
            raise DiskError(f"The files cannot be moved, so nothing was changed: {error.strerror}.") from error

    def _pairs(self, take: Take, home: Path) -> list[tuple[Path, Path]]:
        """Return where each file of a take is while it is kept, and in the trash."""
        return [(home_of(take, home, suffix), self.folder / f"{take.id}{suffix}") for suffix in SUFFIXES]

    async def _restore(self, stored: Stored) -> None:
        stored = await self._under_free_name(stored)
        await self._move_all([stored], away=False)
        try:
            await self._store.run(trash.restore, [stored.take], time.time())
        except Exception:
            await self._move_all([stored], away=True)
            raise

    async def _under_free_name(self, stored: Stored) -> Stored:
        """Return a take as it goes home; its row says the name first."""
        take, home = stored
        file = await asyncio.to_thread(free_name, home, take.file)
        if file != take.file:
            await self._store.run(trash.rename, take.id, file)
        return Stored(msgspec.structs.replace(take, file=file), home)

    # ------------------------------------------------------------ after a crash

    async def _with_own_name(self, stored: Stored) -> Stored:
        """Return a kept take whose files are to go home; its name may have been given away while they were not."""
        return await self._under_free_name(stored) if is_anothers(*stored) else stored

    async def _try_to_move(self, found: Iterable[Stored], *, away: bool) -> None:
        for stored in found:
            try:
                await self._move_all([stored], away=away)
            except DiskError as error:
                log.error("The files of take %d are not where they belong: %s", stored.take.id, error)  # noqa: TRY400 - the sentence says it all

    def _ids(self) -> list[int]:
        found = self.folder.glob("*.*") if self.folder.is_dir() else ()
        return sorted({int(path.stem) for path in found if path.stem.isdecimal() and path.suffix in SUFFIXES})

    def _destroy(self, take: int) -> int:
        """Delete the files of a take in the trash; return how many bytes they had. What stays is for the next start."""
        freed = 0
        try:
            for suffix in SUFFIXES:
                path = self.folder / f"{take}{suffix}"
                if path.exists():
                    size = path.stat().st_size
                    path.unlink()
                    freed += size
        except OSError as error:
            log.error("The files of take %d cannot be deleted: %s.", take, error.strerror)  # noqa: TRY400 - it says it all
        return freed


def home_of(take: Take, home: Path, suffix: str) -> Path:
    """Return where a file of a kept take is, in the folder of its batch."""
    if suffix == ".jpg":
        return home / thumbnail_of(take.file)
    return (home / take.file).with_suffix(suffix)


def free_name(home: Path, file: str) -> str:
    """Return `NAME.png`, or the first of `NAME_2.png`, `NAME_3.png`, … that no other take has in this folder."""
    stem = file.removesuffix(".png")
    names = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
    return next(f"{name}.png" for name in names if not _is_taken(home / name))


def _is_taken(stem: Path) -> bool:
    return any(stem.with_name(f"{stem.name}{suffix}").exists() for suffix in (".json", ".png"))


def move(here: Path, there: Path) -> bool:
    """Move a file, never over another one; False where there is none. Raises `OSError`.

    It is at both places for a moment, and so after a crash: then it is only taken from where it was.
    """
    if not here.exists():
        return False
    there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (there.exists() and filecmp.cmp(here, there, shallow=False)):
        _link(here, there)
    here.unlink()
    return True


def _link(here: Path, there: Path) -> None:
    try:
        os.link(here, there)
    except FileExistsError:
        raise
    except OSError:  # another file system, or one without hard links
        if there.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(there)) from None
        replace_file(there, here.read_bytes(), stat.S_IMODE(here.stat().st_mode))


def is_anothers(take: Take, home: Path) -> bool:
    """Say whether the name of a take whose files are in the trash is used by another one at home by now."""
    picture, about = home_of(take, home, ".png"), home_of(take, home, ".json")
    if picture.exists() and hashlib.sha256(picture.read_bytes()).hexdigest() != take.sha256:
        return True
    sidecar = read_sidecar(about)
    return about.exists() and (sidecar is None or sidecar.job != take.job)
