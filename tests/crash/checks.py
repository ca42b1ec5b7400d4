"""What must be true of a daemon's database and folders, whatever was done to it. A finding is a sentence."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from imagineerd.naming import SHEET, thumbnail_of

SUFFIXES = (".json", ".jpg", ".png")
_TAKES = """
    SELECT take.id, take.place, take.file, take.sha256, batch.folder FROM take JOIN batch ON batch.id = take.batch
"""
_WRONG_SLOTS = """
    SELECT slot.batch, slot.idx FROM slot LEFT JOIN take ON take.id = slot.pick
    WHERE (slot.pick IS NULL) <> NOT EXISTS (
        SELECT 1 FROM take WHERE take.batch = slot.batch AND take.slot = slot.idx AND take.place = 'kept'
    ) OR (slot.pick IS NOT NULL AND (take.place <> 'kept' OR take.batch <> slot.batch OR take.slot <> slot.idx))
"""
_WRONG_TALLY = "SELECT state, jobs FROM tally WHERE jobs <> (SELECT count(*) FROM job WHERE job.state = tally.state)"
_GAPS = "SELECT max(seq) - min(seq) + 1 - count(*) FROM event"


class Looked:
    """Files whose bytes were compared and decoded already: they are replaced whole or not at all."""

    def __init__(self) -> None:
        self.pictures: dict[tuple[str, int], str] = {}

    def hash_of(self, path: Path) -> str:
        """Return the SHA-256 of a picture that decodes. Raises `OSError`, which Pillow's errors are."""
        key = (str(path), path.stat().st_mtime_ns)
        if key not in self.pictures:
            content = path.read_bytes()
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                image.load()
            self.pictures[key] = hashlib.sha256(content).hexdigest()
        return self.pictures[key]


@contextlib.contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Read the database of a daemon that runs."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 10000")
        yield connection


def database_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Tell what is wrong in the database itself."""
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"integrity_check: {line}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"foreign_key_check: {row}"
    for batch, slot in connection.execute(_WRONG_SLOTS):
        yield f"The pick of slot {slot} of {batch} is no kept take of it."
    for state, jobs in connection.execute(_WRONG_TALLY):
        yield f"The tally of {state} jobs says {jobs}."
    if gap := connection.execute(_GAPS).fetchone()[0]:
        yield f"{gap} events are missing among those that are kept."


def file_faults(connection: sqlite3.Connection, outputs: Path, trash: Path, looked: Looked) -> Iterator[str]:
    """Tell which rows lack their files and which files lack a row; what is being written is among it."""
    rows = connection.execute(_TAKES).fetchall()
    found = set(files_in(outputs, trash))
    for take, place, file, digest, folder in rows:
        if place == "gone":
            continue
        files = home_files(Path(folder), file) if place == "kept" else [trash / f"{take}{end}" for end in SUFFIXES]
        for path in files:
            if str(path) not in found:
                yield f"Take {take} ({place}) has no {path}."
            found.discard(str(path))
        yield from picture_faults(take, place, files[-1], digest, looked)
    for path in found:
        yield f"{path} has no row."


def home_files(folder: Path, file: str) -> list[Path]:
    """Return the three files of a kept take, the picture last."""
    return [(folder / file).with_suffix(".json"), folder / thumbnail_of(file), folder / file]


def picture_faults(take: int, place: str, picture: Path, digest: str, looked: Looked) -> Iterator[str]:
    """Tell what is wrong with the picture of one take; where there is none, that was told."""
    try:
        if looked.hash_of(picture) != digest:
            yield f"{picture} is not the picture of take {take} ({place})."
    except FileNotFoundError:
        pass
    except OSError as error:
        yield f"{picture} of take {take} ({place}) does not decode: {error}"


def files_in(*roots: Path) -> Iterator[str]:
    """Yield the paths of all files below these folders, but the sheets of grids."""
    for root in roots:
        for folder, _, names in os.walk(root):
            yield from (f"{folder}/{name}" for name in names if name != SHEET)


def promise_faults(
    connection: sqlite3.Connection,
    accepted: Iterable[int],
    cancelled: set[int],
    places: dict[int, frozenset[str]],
) -> Iterator[str]:
    """Tell which accepted job is not where it may be, and which take is not where its owner was told."""
    jobs = {row[0]: row[1:] for row in connection.execute("SELECT id, state, error_code FROM job")}
    for job in accepted:
        if job not in jobs:
            yield f"Job {job} was accepted and is lost."
    for job, (state, code) in jobs.items():
        if state == "cancelled" and job not in cancelled:
            yield f"Job {job} is cancelled, and nobody asked for that."
        if state == "failed":
            yield f"Job {job} failed with {code}."
    doubled = connection.execute("SELECT job FROM take GROUP BY job HAVING count(*) > 1").fetchall()
    undone = connection.execute("SELECT job FROM take JOIN job ON job.id = take.job WHERE state <> 'done'").fetchall()
    for (job,) in doubled + undone:
        yield f"Job {job} has a take too many."
    found = dict(connection.execute("SELECT id, place FROM take").fetchall())
    for take, allowed in places.items():
        if found.get(take) not in allowed:
            yield f"Take {take} is {found.get(take)}, its owner was told {', '.join(sorted(allowed))}."
