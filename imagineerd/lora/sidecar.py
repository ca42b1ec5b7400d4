"""What a person noted about a LoRA: `<stem>.json` beside it, in the form of A1111, which InvokeAI and others read too.

Keys: `activation text` (the trigger words), `preferred weight` (0: none), `notes`, `description`. Other programs keep
keys of their own there; they are left as they are, with their order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from imagineerd.errors import LoraError
from imagineerd.lora.words import CONTROL
from imagineerd.replacing import replace_file

MAX_SIDECAR = 1024 * 1024
"""Bytes; what is larger was not written by a person."""
MAX_WEIGHT = 2.0
"""As `jobs.Weight`: a mix takes none beyond it."""


class Note(msgspec.Struct, frozen=True):
    """What a sidecar says, empty where it says nothing. `weight` is the preferred one."""

    trigger: str = ""
    weight: float | None = None
    notes: str = ""
    description: str = ""


NO_NOTE = Note()


def sidecar_of(lora: Path) -> Path:
    """Return where the note of a LoRA file stands."""
    return lora.with_suffix(".json")


def read_note(sidecar: Path) -> Note:
    """Read a sidecar; `NO_NOTE` where there is none. Raises `LoraError` where it is no JSON map."""
    values = _read(sidecar)
    return Note(
        trigger=_text(values.get("activation text")),
        weight=_number(values.get("preferred weight")),
        notes=_text(values.get("notes")),
        description=_text(values.get("description")),
    )


def write_note(sidecar: Path, *, trigger: str | None, weight: float | None, notes: str | None) -> None:
    """Change what is not None and leave the rest, in one move. Raises `LoraError`."""
    changes = {"activation text": trigger, "preferred weight": weight, "notes": notes}
    values = _read(sidecar) | {key: value for key, value in changes.items() if value is not None}
    text = json.dumps(values, indent=4) + "\n"
    try:
        replace_file(sidecar, text.encode())
    except OSError as error:
        raise LoraError(
            f"The note {sidecar.name} was not written ({error.strerror}): mend that and try again."
        ) from error


def _read(sidecar: Path) -> dict[str, Any]:
    try:
        with sidecar.open("rb") as file:
            text = file.read(MAX_SIDECAR + 1)
        values = json.loads(text.removeprefix(b"\xef\xbb\xbf")) if len(text) <= MAX_SIDECAR else None
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LoraError(f"The note {sidecar.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise LoraError(f"The note {sidecar.name} is no JSON map: mend it or remove it.")
    return values


def _text(value: object) -> str:
    """Return a text as it can be sent and shown: JSON may hold halves of characters, and control characters."""
    text = value if isinstance(value, str) else ""
    return "\n".join(CONTROL.sub("", line) for line in text.split("\n"))


def _number(value: object) -> float | None:
    """Return the preferred weight. Some programs write it as text, and 0 for none."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return None
    return number if number and abs(number) <= MAX_WEIGHT else None
