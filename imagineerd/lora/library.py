"""The LoRA library: the configured folder and its subfolders, read from headers alone, without torch.

Each request looks into the folder anew, so that files come and go without a restart. What a header says is remembered
as long as path, size and time stay the same, and a file is hashed only when somebody needs the hash. LoRA files are
never moved or changed; what a person notes about one goes into the sidecar beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import msgspec

from imagineerd import protocol
from imagineerd.errors import LoraError, Problem, did_you_mean
from imagineerd.fingerprint import file_sha256
from imagineerd.lora.base import NAMES, Base
from imagineerd.lora.facts import Facts, facts_of
from imagineerd.lora.header import read_header
from imagineerd.lora.sidecar import NO_NOTE, Note, read_note, sidecar_of, write_note
from imagineerd.lora.words import CONTROL
from imagineerd.models import SD15, STARTER

SUFFIX = ".safetensors"
SHIPPED = Path(__file__).resolve().parents[1] / "starter" / "loras"
"""Those that ship with imagineer, for the starter model."""
REMEMBERED = 10_000
"""Files whose facts are kept in memory, about 2 kB each."""
HINTED_TAGS = 3
"""Tags that stand for the trigger words where nobody named any."""
MODELS: dict[Base, str] = {"sd1": SD15, "starter": STARTER}
"""Which model to take for LoRAs of a base, where imagineer has one."""

Identity: TypeAlias = tuple[int, int]
"""Size in bytes and time of change in nanoseconds: what a file's content is remembered by."""


class LoraFile(msgspec.Struct, frozen=True):
    """A LoRA in the library. `name` is its file name without suffix, `file` its path in the folder."""

    name: str
    file: str
    path: Path
    identity: Identity
    sidecar: Identity | None = None

    @property
    def sha256(self) -> str:
        """The hash of the whole file, worked out when it is asked for. Raises `LoraError`."""
        try:
            return file_sha256(self.path)
        except OSError as error:
            raise LoraError(f'The LoRA "{self.name}" cannot be read: {error.strerror}.') from error


class Library(msgspec.Struct, frozen=True):
    """The LoRAs by lower-case name, in the order of their paths; `problems` are those of files that are passed over."""

    loras: dict[str, LoraFile]
    problems: tuple[Problem, ...] = ()


# ---------------------------------------------------------------- finding


def read_library(folder: Path | None) -> Library:
    """Look into the folder and its subfolders, then at those that ship with imagineer.

    Of two files with the same name the first in path order counts, and a file of one's own before a shipped one.
    """
    loras: dict[str, LoraFile] = {}
    problems: list[Problem] = []
    for lora in _files(folder, problems):
        first = loras.setdefault(lora.name.lower(), lora)
        if first is not lora:
            message = f"It is passed over, for {first.file} has the same name: rename one of them."
            problems.append(Problem(message, lora.file))
    for lora in _files(SHIPPED, problems):
        loras.setdefault(lora.name.lower(), lora)
    in_order = sorted(loras.items(), key=lambda item: Path(item[1].file).parts)
    return Library(dict(in_order), tuple(problems))


def find_lora(folder: Path | None, name: str) -> LoraFile:
    """Find `name` in the library, whatever its case. A name with a folder in it is none. Raises `LoraError`."""
    return find_in(read_library(folder), name, folder)


def find_in(library: Library, name: str, folder: Path | None, mixes: Iterable[str] = ()) -> LoraFile:
    """Find `name` in what was read of the folder, as `find_lora` does; `mixes` are what else might be meant."""
    if found := library.loras.get(name.lower()):
        return found
    known = did_you_mean(name, [*mixes, *(lora.name for lora in library.loras.values())])
    where = f"in {folder}" if folder else "because no LoRA folder is set"
    raise LoraError(f'There is no LoRA "{name}" {where}.{known}', field="mix")


def _files(folder: Path | None, problems: list[Problem]) -> list[LoraFile]:
    if folder is None or not folder.is_dir():
        return []
    found = [_lora_file(*pair, folder) for pair in _entries(folder, problems)]
    whole = [lora for lora in found if lora is not None and _is_text(lora, problems)]
    return sorted(whole, key=lambda lora: lora.path.parts)


def _entries(folder: Path, problems: list[Problem]) -> Iterator[tuple[os.DirEntry[str], os.DirEntry[str] | None]]:
    """Yield every LoRA file with its sidecar. A link is followed to a file inside of the folder and nowhere else."""
    root, waiting = folder.resolve(), [str(folder)]
    while waiting:
        here = waiting.pop()
        try:
            entries = {entry.name: entry for entry in os.scandir(here)}
        except OSError as error:
            problems.append(Problem(f"It cannot be looked into: {error.strerror}.", here))
            continue
        for name, entry in entries.items():
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif name.endswith(SUFFIX) and _is_inside(entry, root):
                sidecar = entries.get(f"{name.removesuffix(SUFFIX)}.json")
                yield entry, sidecar if sidecar and _is_inside(sidecar, root) else None


def _is_inside(entry: os.DirEntry[str], root: Path) -> bool:
    return entry.is_file() and (not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root))


def _lora_file(entry: os.DirEntry[str], sidecar: os.DirEntry[str] | None, folder: Path) -> LoraFile | None:
    """Return a file as it is now; None where it has just gone."""
    identity = _identity(entry)
    if identity is None:
        return None
    return LoraFile(
        name=entry.name.removesuffix(SUFFIX),
        file=entry.path.removeprefix(f"{folder}{os.sep}"),
        path=Path(entry.path),
        identity=identity,
        sidecar=_identity(sidecar) if sidecar else None,
    )


def _identity(entry: os.DirEntry[str]) -> Identity | None:
    try:
        stat = entry.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _is_text(lora: LoraFile, problems: list[Problem]) -> bool:
    """Say whether the file's path can be sent and shown: one with control characters, or that is no UTF-8, cannot."""
    if not CONTROL.search(lora.file):
        return True
    problems.append(Problem("It is passed over, for its name cannot be shown: rename it.", ascii(lora.file)))
    return False


# ---------------------------------------------------------------- what is known of one


def facts(lora: LoraFile) -> Facts:
    """Return what the header says; a file that cannot be read or is none says so in `problem`."""
    try:
        return _remembered_facts(lora.path, lora.identity)
    except LoraError as error:
        return Facts(problem=error.message)


@lru_cache(maxsize=REMEMBERED)
def _remembered_facts(path: Path, _identity: Identity) -> Facts:
    """Raise only what may be otherwise the next time: a file that cannot be opened."""
    try:
        return facts_of(path.stem, read_header(path))
    except LoraError as error:
        if isinstance(error.__cause__, OSError):
            raise
        return Facts(problem=error.message)


def note(lora: LoraFile) -> Note:
    """Return what a person noted. Raises `LoraError` where the sidecar cannot be read."""
    return _remembered_note(sidecar_of(lora.path), lora.sidecar) if lora.sidecar else NO_NOTE


@lru_cache(maxsize=REMEMBERED)
def _remembered_note(sidecar: Path, _identity: Identity) -> Note:
    return read_note(sidecar)


def trigger_phrase(lora: LoraFile) -> str:
    """Return the words that wake a LoRA: what a person noted, else the file's metadata. Tags are no such words."""
    phrase, source = _trigger(facts(lora), _note_or_none(lora))
    return "" if source == "tags" else phrase


def _note_or_none(lora: LoraFile) -> Note:
    try:
        return note(lora)
    except LoraError:
        return NO_NOTE


def check_lora(lora: LoraFile, model: str, base: Base) -> None:
    """Raise `LoraError` where the LoRA cannot be applied to the model, which is of this base."""
    known = facts(lora)
    if "unknown" not in {known.base, base} and known.base != base:
        fitting = MODELS.get(known.base)
        remedy = f"set the model to {fitting}, or leave it out" if fitting else "leave it out"
        raise LoraError(
            f'The LoRA "{lora.name}" is for {NAMES[known.base]} ({known.finding.because}), which the model "{model}" '
            f"is not: {remedy}.",
            field="mix",
        )
    if known.problem:
        raise LoraError(known.problem, field="mix")


def doubts(loras: Iterable[LoraFile]) -> tuple[str, ...]:
    """Return what a person should know before these are applied."""
    return tuple(sentence for lora in loras if (sentence := _doubt(lora)))


def _doubt(lora: LoraFile) -> str:
    known = facts(lora)
    if known.base == "unknown":
        return f'Nothing tells which model the LoRA "{lora.name}" is for: it may not fit this one.'
    return known.doubt


# ---------------------------------------------------------------- for people


def list_loras(folder: Path | None, limit: int | None = None, after: str | None = None) -> protocol.Loras:
    """Return a page of the library, by path: at most `limit` LoRAs of those behind the file `after`."""
    library = read_library(folder)
    behind = [lora for lora in library.loras.values() if after is None or Path(lora.file).parts > Path(after).parts]
    page = behind[:limit]
    return protocol.Loras(
        loras=tuple(lora_info(lora) for lora in page),
        folder=str(folder or ""),
        problems=library.problems,
        after=page[-1].file if len(page) < len(behind) else None,
    )


def lora_info(lora: LoraFile) -> protocol.LoraInfo:
    """Return a LoRA as it is listed."""
    known, noted, problems = facts(lora), NO_NOTE, []
    try:
        noted = note(lora)
    except LoraError as error:
        problems.append(error.message)
    problems += [sentence for sentence in (known.problem, known.doubt) if sentence]
    trigger, trigger_from = _trigger(known, noted)
    return protocol.LoraInfo(
        name=lora.name,
        base=known.base,
        ranks=known.ranks,
        parts=known.parts,
        bytes=lora.identity[0],
        trigger=trigger,
        trigger_from=trigger_from,
        weight=noted.weight,
        usable=not known.problem,
        problems=tuple(Problem(sentence, lora.file) for sentence in problems),
    )


def lora_detail(lora: LoraFile) -> protocol.LoraDetail:
    """Return all that is known of a LoRA; hashes the file. Raises `LoraError`."""
    known, noted = facts(lora), _note_or_none(lora)
    return protocol.LoraDetail(
        info=lora_info(lora),
        file=lora.file,
        sha256=lora.sha256,
        base_because=known.finding.because,
        layout=known.layout,
        alpha=known.alpha,
        tags=known.tags,
        notes=noted.notes,
        description=noted.description,
    )


def note_lora(folder: Path | None, request: protocol.NoteLora) -> protocol.LoraDetail:
    """Write what the request names into the sidecar and leave the rest. Raises `LoraError`."""
    lora = find_lora(folder, request.lora)
    write_note(sidecar_of(lora.path), trigger=request.trigger, weight=request.weight, notes=request.notes)
    return lora_detail(find_lora(folder, request.lora))


def _trigger(known: Facts, noted: Note) -> tuple[str, protocol.TriggerFrom]:
    if noted.trigger:
        return noted.trigger, "note"
    if known.trigger:
        return known.trigger, "metadata"
    tags = ", ".join(tag for tag, _ in known.tags[:HINTED_TAGS])
    return tags, "tags" if tags else ""
