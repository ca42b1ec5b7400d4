"""The few errors of imagineer: each is one sentence, ready to show, with its wire code.

A sentence says what was wrong, where (file, row, column, key path) and what to do about it. The codes are the
closed list of the wire protocol; a client decides by `code` and `retry`, a person reads `message`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final, Literal

import msgspec

Code = Literal[
    "E_PROTO",
    "E_VERSION",
    "E_HELLO",
    "E_UNKNOWN_KIND",
    "E_INVALID",
    "E_TOO_LARGE",
    "E_NOT_FOUND",
    "E_STATE",
    "E_CONFLICT",
    "E_FULL",
    "E_DRAINING",
    "E_DENIED",
    "E_MODEL",
    "E_LORA",
    "E_LABEL",
    "E_OOM",
    "E_WORKER_LOST",
    "E_DISK",
    "E_INTERNAL",
]
Retry = Literal["no", "same", "later"]
MEANINGS: Final[dict[Code, str]] = {
    "E_PROTO": "The bytes are not a message of this protocol.",
    "E_VERSION": "No protocol version in common.",
    "E_HELLO": "The session is unknown: say hello first.",
    "E_UNKNOWN_KIND": "No request of that name.",
    "E_INVALID": "A value is wrong; `field` says which.",
    "E_TOO_LARGE": "A frame or a value is over its limit.",
    "E_NOT_FOUND": "No such set, batch, slot, job or take.",
    "E_STATE": "Not possible in the state it is in.",
    "E_CONFLICT": "This idempotency key was used for something else.",
    "E_FULL": "Too much in flight or in the queue.",
    "E_DRAINING": "The daemon is shutting down.",
    "E_DENIED": "Not allowed.",
    "E_MODEL": "The model cannot be found or loaded, or makes no picture.",
    "E_LORA": "A LoRA cannot be found, read or applied.",
    "E_LABEL": "A picture cannot be labelled.",
    "E_OOM": "Out of memory on the device.",
    "E_WORKER_LOST": "The worker process died or hung.",
    "E_DISK": "The disk is full or read-only.",
    "E_INTERNAL": "A fault of the daemon; its log says more.",
}
RETRIES: Final[dict[Retry, str]] = {
    "no": "The same request would be refused again.",
    "same": "Send the same request again, at once.",
    "later": "Send the same request again after a while.",
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong in something a person wrote, and where it stands.

    `row` is the line number in `file`, 1-based (a CSV header is line 1), 0 where no line is known.
    """

    message: str
    file: str = ""
    row: int = 0
    column: str = ""
    key: str = ""

    def __str__(self) -> str:
        line = f"line {self.row}" if self.row else ""
        column = f'column "{self.column}"' if self.column else ""
        where = ", ".join(part for part in (self.file, line, column, self.key) if part)
        return f"{where}: {self.message}" if where else self.message


class ImagineerError(Exception):
    """Something went wrong that a person can be told in one sentence."""

    code: ClassVar[Code] = "E_INTERNAL"
    retry: Retry = "no"

    def __init__(self, message: str, *, field: str = "", problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.problems = tuple(problems)


class Invalid(ImagineerError):
    """Values that a person wrote are wrong; every problem is listed, not the first alone."""

    code = "E_INVALID"

    def __init__(self, problems: Iterable[Problem] = (), message: str = "", *, field: str = "") -> None:
        problems = tuple(problems)
        text = message or " ".join(str(problem) for problem in problems) or "Invalid."
        super().__init__(text, field=field, problems=problems)


class NotFound(ImagineerError):
    """No set, batch, slot, job, take, LoRA or model of that name."""

    code = "E_NOT_FOUND"


class WrongState(ImagineerError):
    """The thing exists, but what was asked is not possible in the state it is in."""

    code = "E_STATE"


class Conflict(ImagineerError):
    """The idempotency key was used before, for another request."""

    code = "E_CONFLICT"


class Full(ImagineerError):
    """Too many requests in flight or jobs in the queue."""

    code = "E_FULL"
    retry = "later"


class Draining(ImagineerError):
    """The daemon is shutting down and takes no more work."""

    code = "E_DRAINING"
    retry = "later"


class ModelError(ImagineerError):
    """The model cannot be found, fetched or loaded, or makes no picture."""

    code = "E_MODEL"


class LoraError(ImagineerError):
    """A LoRA cannot be found, read or applied to this model."""

    code = "E_LORA"


class LabelError(ImagineerError):
    """A picture cannot be labelled: the container, the login or the answer is not what it should be."""

    code = "E_LABEL"


class OutOfMemory(ImagineerError):
    """The device has too little memory for what was asked."""

    code = "E_OOM"


class DiskError(ImagineerError):
    """The disk is full, read-only or fails."""

    code = "E_DISK"
    retry = "later"


class WorkerLost(ImagineerError):
    """The worker process died or hung."""

    code = "E_WORKER_LOST"
    retry = "same"


class ProtocolError(ImagineerError):
    """The bytes are not a message of this protocol."""

    code = "E_PROTO"


class VersionMismatch(ImagineerError):
    """The two sides have no protocol version in common."""

    code = "E_VERSION"


class HelloRequired(ImagineerError):
    """The daemon does not know this session: say hello (again)."""

    code = "E_HELLO"
    retry = "same"


class UnknownKind(ImagineerError):
    """The daemon knows no request of that name."""

    code = "E_UNKNOWN_KIND"


class TooLarge(ImagineerError):
    """A frame or a value is over its limit."""

    code = "E_TOO_LARGE"


class Denied(ImagineerError):
    """This client may not do that."""

    code = "E_DENIED"


class DaemonAway(ImagineerError):
    """No daemon answers on the socket (raised by clients, never sent)."""

    retry = "later"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` for the nearest known word, or an empty string."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return f' Did you mean "{by_lower[near[0]]}"?' if near else ""
