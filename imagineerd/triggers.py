"""Trigger words: where `<trigger>` stands in a prompt, the words come that wake the chosen LoRAs. Text in, text out.

The words of a LoRA are what stands between the commas of its trigger phrase. They come with the LoRA and go with it:
without a LoRA the mark vanishes, and so does the comma that it leaves behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from imagineerd.sets.templates import tidy

_MARK = re.compile(r"<\s*triggers?\s*>", re.IGNORECASE)


class Triggers(NamedTuple):
    """The trigger words of a card's LoRAs, and whether to `add` those that its prompt lacks behind it."""

    words: tuple[str, ...] = ()
    add: bool = False


NO_TRIGGERS = Triggers()


def words_of(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return the words of several trigger phrases, in their order, each once whatever its case."""
    words = (tidy(word) for phrase in phrases for word in _MARK.sub("", phrase).split(","))
    first: dict[str, str] = {}
    for word in filter(None, words):
        first.setdefault(word.casefold(), word)
    return tuple(first.values())


def place(parts: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """Put the words at the first `<trigger>` in the parts of a prompt; all others vanish. Parts without one stay."""
    waiting = [", ".join(words)]

    def put(_mark: re.Match[str]) -> str:
        return waiting.pop() if waiting else ""

    return tuple(tidy(_MARK.sub(put, part)) if _MARK.search(part) else part for part in parts)


def without_marks(text: str) -> str:
    """Return a text as it is without any trigger word."""
    return place([text], ())[0]


def missing(prompt: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return the words that the prompt does not have, whatever their case."""
    return tuple(word for word in words if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt, re.IGNORECASE))
