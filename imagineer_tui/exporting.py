"""Write the labelled takes of a batch into a folder, as trainers and data sets want them.

`kohya`: each picture with a `.txt` of one line beside it. `jsonl`: the pictures and a `metadata.jsonl` in the form of
Hugging Face's imagefolder. `csv`: a table alone. A take without a label is left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from imagineer_tui.output import Output
from imagineer_tui.run import OK, Run
from imagineer_tui.words import number_of
from imagineerd.errors import DiskError, NotFound
from imagineerd.protocol import Label, Take

FORMATS: Final = ("kohya", "jsonl", "csv")
COLUMNS: Final = ("file_name", "text", "rating", "tags", "nsfw", "model", "prompt", "take")


class Exported(msgspec.Struct, frozen=True):
    """What was written: where, how many takes, and how many were left out for want of a label."""

    folder: str
    format: str
    takes: int
    unlabelled: int


def export(run: Run) -> int:
    """Write the labels of a batch."""
    client, options = run.client(start=True), run.options
    detail = client.batch(options.batch)
    takes = [take for slot in detail.slots for take in slot.takes]
    labelled = [take for take in takes if take.label and text_of(take.label)]
    if not labelled:
        raise NotFound(f"No take of {detail.batch.id} has a label: imagineer label {detail.batch.id}")
    folder = Path(options.to or f"{detail.batch.id}_{options.format}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _files(options.format, labelled, client.picture):
            (folder / name).write_bytes(content)
    except OSError as error:
        raise DiskError(f"{folder} cannot be written ({error.strerror}): name another folder with --to.") from None
    exported = Exported(str(folder), options.format, len(labelled), len(takes) - len(labelled))
    run.out.show(exported, _print)
    return OK


def text_of(label: Label) -> str:
    """Return a label as one line for a trainer: the caption, or the tags where there is none."""
    return " ".join((label.caption or ", ".join(label.tags)).split())


def _files(format_: str, takes: Sequence[Take], picture: Callable[[int], bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file."""
    if format_ == "csv":
        yield "labels.csv", _table(takes)
        return
    for take in takes:
        name = Path(take.file).name  # whatever a daemon says, it stays in the folder
        yield name, picture(take.id)
        if format_ == "kohya":
            yield f"{Path(name).stem}.txt", f"{text_of(_label(take))}\n".encode()
    if format_ == "jsonl":
        lines = (json.dumps(_row(take), ensure_ascii=False) for take in takes)
        yield "metadata.jsonl", "".join(f"{line}\n" for line in lines).encode()


def _table(takes: Sequence[Take]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for take in takes:
        row = _row(take)
        writer.writerow(row | {"tags": ", ".join(_label(take).tags)})
    return text.getvalue().encode()


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


def _print(out: Output, done: Exported) -> None:
    left = f"; {number_of(done.unlabelled, 'take')} without a label left out" if done.unlabelled else ""
    out.line(f"{number_of(done.takes, 'take')} written to {done.folder}{left}.")
