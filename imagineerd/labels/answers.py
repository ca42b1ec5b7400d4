"""Read what a labeler said: strict about what a label is, forgiving about how it is written.

A label is found in a JSON object, fenced or not, or below headings (`DESCRIPTION:`, `**NSFW rating:**`, `2. Tags:`).
Text without a heading is no answer: what a model says instead of looking at the picture must not become a caption.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, cast, get_args

import msgspec

from imagineerd.protocol import MAX_CAPTION, MAX_TAG, MAX_TAGS, AnyRating

RATINGS: Final = tuple(rating for rating in get_args(AnyRating) if rating)

_HEADINGS: Final = {
    "caption": "caption",
    "description": "caption",
    "nsfw": "rating",
    "nsfw rating": "rating",
    "rating": "rating",
    "tags": "tags",
    "keywords": "tags",
}
_HEADING: Final = re.compile(
    rf"^[\s#>*_\-\d.)]*({'|'.join(sorted(_HEADINGS, key=len, reverse=True))})[*_\s]*:[*_]*(.*)$", re.IGNORECASE
)
_WORDS: Final = re.compile(r"(NOT\s|NON-)?([A-Z]+)")
_TAG_BREAKS: Final = re.compile(r"[,;\n]")
_AROUND_A_TAG: Final = " \t#*_-•.\"'`[]"


class Answer(msgspec.Struct, frozen=True):
    """A label as it was understood: one line of caption, a rating, tags in lower case. Never all empty."""

    caption: str = ""
    rating: AnyRating = ""
    tags: tuple[str, ...] = ()


def read_answer(text: str) -> Answer | None:
    """Return the label in a labeler's text; None where there is neither caption nor tag in it."""
    parts = _from_json(text) or _from_headings(text)
    answer = Answer(
        caption=one_line(parts.get("caption", ""))[:MAX_CAPTION],
        rating=_rating(parts.get("rating", "")),
        tags=clean_tags(_TAG_BREAKS.split(parts.get("tags", ""))),
    )
    return answer if answer.caption or answer.tags else None


def one_line(text: str) -> str:
    """Return text on one line, without control characters and without markdown's bold."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.replace("**", "").split())


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags in lower case, none empty, none twice, in their order."""
    cleaned = (one_line(tag).strip(_AROUND_A_TAG).lower()[:MAX_TAG].strip() for tag in tags)
    return tuple(dict.fromkeys(filter(None, cleaned)))[:MAX_TAGS]


def _from_json(text: str) -> dict[str, str]:
    """Return the parts of the JSON object in the text; none where there is no such object."""
    begin, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[begin : end + 1]) if 0 <= begin < end else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    named = ((_HEADINGS.get(str(key).lower().replace("_", " ")), value) for key, value in found.items())
    return {part: _plain(value) for part, value in named if part is not None}


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else ""


def _from_headings(text: str) -> dict[str, str]:
    """Return the lines below each heading; the first of several headings of one part counts."""
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            lines = parts.setdefault(_HEADINGS[heading[1].lower()], [])
            lines = [] if lines else lines
            lines.append(heading[2])
        else:
            lines.append(line)
    return {part: "\n".join(lines) for part, lines in parts.items()}


def _rating(text: str) -> AnyRating:
    """Return the one rating that is named; none where it is no rating, or more than one."""
    found = {word for no, word in _WORDS.findall(text.upper()) if word in RATINGS and not no}
    return cast("AnyRating", found.pop()) if len(found) == 1 else ""
