"""Bring files and rows together after a crash.

A picture is on disk before its row is committed, so a crash in between leaves a whole PNG without a row. Its sidecar
tells the job: while that job is open, the picture finishes it, and nothing finished is drawn twice. What a killed
worker left half-written is deleted. Everything else is left as it is and told: a file that no open job asks for, a row
without its file.

Run this before `Store.recover`, and while no worker draws; or for the jobs of one that died, while others draw on: then
only files that name those jobs are touched. It may be cut short anywhere and run again. Only the folders
of batches with jobs that are open or held are looked at, or that failed over the disk, which may have kept the worker
from tidying up: so a long history costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from imagineerd.naming import SHEET
from imagineerd.protocol import Take
from imagineerd.store.moves import NewTake
from imagineerd.store.pages import Unfinished
from imagineerd.store.queue import Store

log = logging.getLogger(__name__)

THUMBS: Final = ".thumbs"
PART: Final = "*.part"


class Sidecar(msgspec.Struct, frozen=True):
    """What is read of the JSON file beside a picture."""

    job: int
    batch: str
    slot: int
    seed: int
    duration: float = 0.0
    cached: bool = False


class Orphan(msgspec.Struct, frozen=True):
    """A whole picture without a row. `at` is when its file was written, in Unix seconds."""

    path: Path
    sidecar: Sidecar
    take: NewTake
    at: float


class Found(msgspec.Struct, frozen=True):
    """What lies in the folders: pictures without a row, sentences on files left alone, takes without a file."""

    orphans: tuple[Orphan, ...]
    ignored: tuple[str, ...]
    missing: tuple[int, ...]


class Reconciled(msgspec.Struct, frozen=True):
    """The takes that were adopted, sentences on files left alone, and the ids of takes whose file is missing."""

    adopted: tuple[Take, ...]
    ignored: tuple[str, ...]
    missing: tuple[int, ...]


async def reconcile(store: Store, jobs: Collection[int] | None = None) -> Reconciled:
    """Adopt pictures, delete what is half-written, tell what does not fit; see above. Raises `DiskError`.

    `jobs` are those whose files are looked at; None means all.
    """
    async with store.files:
        return await _reconcile(store, jobs)


async def _reconcile(store: Store, jobs: Collection[int] | None) -> Reconciled:
    found = await asyncio.to_thread(look, await store.unfinished(), jobs)
    adopted, ignored = [], list(found.ignored)
    for orphan in found.orphans:
        side = orphan.sidecar
        take = await store.adopt(side.job, side.batch, side.slot, orphan.take, orphan.at)
        if take is None:
            ignored.append(f"{orphan.path}: no open job asks for this picture.")
        else:
            adopted.append(take)
    done = Reconciled(tuple(adopted), tuple(ignored), found.missing)
    _tell(done)
    return done


def look(batches: Iterable[Unfinished], jobs: Collection[int] | None = None) -> Found:
    """Search the folders of these batches; delete what is half-written in them. One that cannot be read is told.

    With `jobs`, only what lies there for them counts; temporary files, which do not tell whose they are, stay.
    """
    orphans: list[Orphan] = []
    ignored: list[str] = []
    missing: list[int] = []
    for batch in batches:
        try:
            ignored += delete_leftovers(batch, jobs)
            missing += [take for file, take in batch.files.items() if not (Path(batch.folder) / file).is_file()]
            for path in pictures_without_row(batch, jobs):
                read = read_orphan(path, batch.batch)
                ignored.append(read) if isinstance(read, str) else orphans.append(read)
        except OSError as error:
            ignored.append(f"{batch.folder}: this folder cannot be searched: {error.strerror}.")
    return Found(tuple(orphans), tuple(ignored), tuple(missing))


def pictures_without_row(batch: Unfinished, jobs: Collection[int] | None = None) -> list[Path]:
    """Return the PNGs in the folder of a batch that are no take's file, by name."""
    known = {*batch.files, SHEET}
    found = sorted(path for path in Path(batch.folder).glob("*.png") if path.name not in known)
    return found if jobs is None else [path for path in found if _job_of(path) in jobs]


def delete_leftovers(batch: Unfinished, jobs: Collection[int] | None = None) -> list[str]:
    """Delete temporary files, and what lies there for a picture that never came; return sentences on what stays.

    A sidecar of this batch without its picture would keep its name taken.
    """
    folder = Path(batch.folder)
    thumbs = folder / THUMBS
    stays: list[str] = []
    left = [path for path in _lone_sidecars(folder, batch) if jobs is None or _job_of(path) in jobs]
    if jobs is None:
        left += [*folder.glob(PART), *thumbs.glob(PART), *_lone_thumbs(folder, batch)]
    for path in left:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            stays.append(f"{path}: this leftover cannot be deleted: {error.strerror}.")
    return stays


def read_orphan(path: Path, batch: str) -> Orphan | str:
    """Read a picture without a row and its sidecar; a sentence where it cannot be adopted by this batch."""
    sidecar = read_sidecar(path.with_suffix(".json"))
    if sidecar is None or sidecar.batch != batch:
        return f"{path}: no sidecar of this batch lies beside this picture."
    try:
        take, at = read_picture(path, sidecar), path.stat().st_mtime
    except Exception as error:  # noqa: BLE001  Pillow has many ways to say that a file is broken
        return f"{path}: this picture cannot be read: {error}."
    return Orphan(path, sidecar, take, at)


def read_sidecar(path: Path) -> Sidecar | None:
    """Read a sidecar; None where there is none or it is not ours."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Sidecar)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_picture(path: Path, sidecar: Sidecar) -> NewTake:
    """Decode a PNG to the end, as proof that it is whole. Raises what Pillow raises where it is not."""
    from PIL import Image

    content = path.read_bytes()
    with Image.open(path, formats=["PNG"]) as image:
        width, height = image.size
        average = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).tobytes()
    return NewTake(
        file=path.name,
        seed=sidecar.seed,
        width=width,
        height=height,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        color=f"#{average.hex()}",
        duration=sidecar.duration,
        cached=sidecar.cached,
    )


def _job_of(path: Path) -> int | None:
    sidecar = read_sidecar(path.with_suffix(".json"))
    return None if sidecar is None else sidecar.job


def _lone_sidecars(folder: Path, batch: Unfinished) -> Iterator[Path]:
    for path in folder.glob("*.json"):
        picture = path.with_suffix(".png")
        if picture.name in batch.files or picture.exists():
            continue
        sidecar = read_sidecar(path)
        if sidecar is not None and sidecar.batch == batch.batch:
            yield path


def _lone_thumbs(folder: Path, batch: Unfinished) -> Iterator[Path]:
    for path in (folder / THUMBS).glob("*.jpg"):
        picture = folder / f"{path.stem}.png"
        if picture.name not in batch.files and not picture.exists():
            yield path


def _tell(done: Reconciled) -> None:
    for take in done.adopted:
        log.info("Picture %s/%s was there already; job %d is done.", take.batch, take.file, take.job)
    for sentence in done.ignored:
        log.warning(sentence)
    for take_id in done.missing:
        log.warning("The file of take %d is missing.", take_id)
