"""Read what the Claude CLI printed: one JSON object around the model's text (`claude --print --output-format json`).

Neither the exit status nor `subtype` says whether it went well: `is_error`, `api_error_status` and `result` do. A
labeler of another kind may print its answer without an envelope.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

import msgspec

TOO_MANY: Final = frozenset({429, 529})
"""HTTP statuses: too many requests, overloaded."""
REFUSED: Final = frozenset({401, 403})
_LIMITED: Final = re.compile(
    r"(usage|rate|hour|weekly|session|your)[ _-]?limit|(?<!context )limit reached|overloaded|credit balance",
    re.IGNORECASE,
)
_RESET: Final = re.compile(r"\|(\d{9,11})\b")
_LOGGED_OUT: Final = re.compile(
    r"not logged in|/login|invalid (api key|bearer token)|oauth token (has )?(expired|revoked)|authentication_error",
    re.IGNORECASE,
)
LOGIN_REMEDY: Final = "run `claude setup-token`, or log in with `claude`; labeling goes on by itself."


class Reply(NamedTuple):
    """What a labeler said, and the model that said it, where that is known."""

    text: str
    model: str = ""
    seconds: float = 0.0
    cost_usd: float = 0.0


class Limited(Exception):
    """The account may not ask for now. `until` is a Unix time, 0 where none was told."""

    def __init__(self, said: str, until: float) -> None:
        super().__init__(said)
        self.until = until


class LoggedOut(Exception):
    """The login is missing, expired or refused."""


class Unusable(Exception):
    """The labeler said that it failed; the text is what it said."""


class _Envelope(msgspec.Struct):
    type: str
    result: str = ""
    is_error: bool = False
    api_error_status: int | None = None
    duration_ms: float = 0.0
    total_cost_usd: float = 0.0
    modelUsage: dict[str, Any] = {}  # noqa: N815 - the CLI's own name


def read_reply(stdout: str) -> Reply:
    """Return what a labeler printed. Raises `Limited`, `LoggedOut` and `Unusable` where it says that it failed."""
    envelope = _envelope(stdout)
    if envelope is None:
        return Reply(stdout)
    if envelope.is_error:
        complain(envelope.result, envelope.api_error_status)
    # Helpers of the CLI ask small models; the one that saw the picture did most of the work.
    model = max(envelope.modelUsage, key=lambda name: _tokens(envelope.modelUsage[name]), default="")
    return Reply(envelope.result, model, envelope.duration_ms / 1000, envelope.total_cost_usd)


def complain(said: str, status: int | None = None) -> None:
    """Raise what a labeler's complaint means."""
    if status in TOO_MANY or _LIMITED.search(said):
        reset = _RESET.search(said)
        raise Limited(said.partition("|")[0], float(reset[1]) if reset else 0.0)
    if status in REFUSED or _LOGGED_OUT.search(said):
        raise LoggedOut(said)
    raise Unusable(said)


def _envelope(stdout: str) -> _Envelope | None:
    """Return the envelope: all that was printed, the last of a list (`--verbose`), or the last line (`stream-json`)."""
    for text in (stdout, stdout.rstrip().rpartition("\n")[2]):
        try:
            found = json.loads(text)
            said = found[-1] if isinstance(found, list) and found else found
            envelope = msgspec.convert(_told(said), _Envelope)
        except (ValueError, RecursionError):  # of which msgspec.ValidationError is one
            continue
        if envelope.type == "result":
            return envelope
    return None


def _told(said: Any) -> Any:
    """Leave out what is null: it is not told."""
    return {key: value for key, value in said.items() if value is not None} if isinstance(said, dict) else said


def _tokens(usage: Any) -> int:
    counts = usage.values() if isinstance(usage, dict) else ()
    return sum(count for count in counts if isinstance(count, int))
