"""What an export of a batch consists of, and the folder that it is written into.

`pictures`: the pick of each card. The others are labelled takes as trainers and data sets want them: `kohya`, each
picture with a `.txt` of one line beside it; `jsonl`, the pictures and a `metadata.jsonl` in the form of Hugging Face's
imagefolder; `csv`, a table alone. What has no picture, or no label where it needs one, is left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from imagineer_tui.model.gallery import pick_of
from imagineer_tui.words import number_of, size
from imagineerd.errors import Conflict, DiskError, NotFound
from imagineerd.protocol import BatchDetail, Label, Take

PICTURES: Final = "pictures"
FORMATS: Final = {
    PICTURES: "the pick of each card",
    "kohya": "what is labelled, captions beside it",
    "jsonl": "the same for a Hugging Face imagefolder",
    "csv": "a table of the labels, no pictures",
}
"""What each consists of, in a few words."""
COLUMNS: Final = ("file_name", "text", "rating", "tags", "nsfw", "model", "prompt", "take")


class File(NamedTuple):
    """A file of an export: the picture of a `take`, or a `text` where that is 0."""

    name: str
    take: int = 0
    text: str = ""


class Exported(msgspec.Struct, frozen=True):
    """What was written: where, how many takes in how many bytes; `left_out` had no picture, or no label."""

    folder: str
    format: str
    takes: int
    left_out: int
    bytes: int

    def __str__(self) -> str:
        """The sentence for it."""
        lacks, one = ("picture", "card") if self.format == PICTURES else ("label", "take")
        left = f"; {number_of(self.left_out, one)} without a {lacks} left out" if self.left_out else ""
        return f"{number_of(self.takes, 'take')} ({size(self.bytes)}) written to {self.folder}{left}."


class Export(NamedTuple):
    """What is to be written: the takes, and how many cards or takes are left out."""

    format: str
    takes: tuple[Take, ...]
    left_out: int

    @property
    def files(self) -> list[File]:
        """All its files."""
        return list(_files(self.format, self.takes))

    def done(self, parcel: Parcel) -> Exported:
        """Return what is said once all of it is written."""
        return Exported(str(parcel.folder), self.format, len(self.takes), self.left_out, parcel.bytes)


def export_of(detail: BatchDetail, format_: str) -> Export:
    """Return what an export of a batch consists of. Raises `NotFound` where that is nothing."""
    if format_ == PICTURES:
        picks = tuple(pick for slot in detail.slots if (pick := pick_of(slot)))
        if not picks:
            raise NotFound(f"{detail.batch.id} has no picture yet.")
        return Export(format_, picks, len(detail.slots) - len(picks))
    takes = [take for slot in detail.slots for take in slot.takes]
    labelled = tuple(take for take in takes if take.label and text_of(take.label))
    if not labelled:
        name = detail.batch.id
        raise NotFound(f"No take of {name} has a label: have it labelled first (imagineer label {name}).")
    return Export(format_, labelled, len(takes) - len(labelled))


def folder_for(where: Path, batch: str, format_: str) -> Path:
    """Return the folder of an export that nobody named: one below `where` that is not there yet."""
    name = f"{batch}_{format_}"
    free = (where / (name if at == 1 else f"{name}_{at}") for at in count(1))
    return next(path for path in free if not path.exists())


def text_of(label: Label) -> str:
    """Return a label as one line for a trainer: the caption, or the tags where there is none."""
    return " ".join((label.caption or ", ".join(label.tags)).split())


# ---------------------------------------------------------------- writing


class Parcel:
    """Files in a folder in which nothing is ever overwritten. Its methods block; `bytes` are those written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bytes = 0
        self._written: list[Path] = []

    def begin(self, files: Iterable[File]) -> None:
        """Make the folder. Raises `Conflict` where a file of that name is there, `DiskError`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            there = next((path for file in files if (path := self.folder / file.name).exists()), None)
        except OSError as error:
            raise self._refused(error) from None
        if there:
            raise Conflict(f"{there} is there already, and nothing is overwritten: name another folder.")

    def put(self, name: str, content: bytes) -> None:
        """Write a file. Raises `DiskError`."""
        path = self.folder / name
        try:
            with path.open("xb") as file:
                self._written.append(path)
                file.write(content)
        except OSError as error:
            raise self._refused(error) from None
        self.bytes += len(content)

    def take_back(self) -> None:
        """Remove what was written, and the folder if nothing else is in it."""
        with suppress(OSError):
            for path in self._written:
                path.unlink(missing_ok=True)
            self.folder.rmdir()

    def _refused(self, error: OSError) -> DiskError:
        return DiskError(f"{self.folder} cannot be written ({error.strerror}): name another folder.")


# ---------------------------------------------------------------- files


def _files(format_: str, takes: Sequence[Take]) -> Iterator[File]:
    if format_ == "csv":
        yield File("labels.csv", text=_table(takes))
        return
    for take in takes:
        name = Path(take.file).name  # whatever a daemon says, it stays in the folder
        yield File(name, take.id)
        if format_ == "kohya":
            yield File(f"{Path(name).stem}.txt", text=f"{text_of(_label(take))}\n")
    if format_ == "jsonl":
        lines = (json.dumps(_row(take), ensure_ascii=False) for take in takes)
        yield File("metadata.jsonl", text="".join(f"{line}\n" for line in lines))


def _table(takes: Sequence[Take]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for take in takes:
        row = _row(take)
        writer.writerow(row | {"tags": ", ".join(_label(take).tags)})
    return text.getvalue()


def _row(take: Take) -> dict[str, object]:
    label = _label(take)
    values = (
        *(Path(take.file).name, text_of(label), label.rating, list(label.tags), label.is_nsfw),
        *(label.model, label.prompt, take.id),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _label(take: Take) -> Label:
    assert take.label is not None  # noqa: S101 - those without one are left out
    return take.label
