"""What the starter model was taught with: whole prompts of the built-in sets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from imagineerd.prompts import compose
from imagineerd.sets.library import read_sets


@cache
def taught_phrases(builtin_sets: Path) -> frozenset[str]:
    """Return all phrases of these prompts, which stand between commas, in lower case."""
    return frozenset(phrase.strip().lower() for prompt in _prompts(builtin_sets) for phrase in prompt.split(","))


def _prompts(builtin_sets: Path) -> Iterator[str]:
    for card_set in read_sets(builtin_sets).sets.values():
        yield from (compose(card_set, row, "").text for row in card_set.rows)
