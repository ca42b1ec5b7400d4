"""Plain English that says nothing about a card, from the manual that every Python carries.

The tokens learn from it to spell words outside the card vocabulary, and training mixes it in so that the model learns
to ignore such words.
"""

import re
from functools import cache
from pydoc_data.topics import topics

from imagineerd.starter.vocabulary import unknown_words

_WORD = re.compile(r"\b[a-z]{3,12}\b")


def manual_words() -> list[str]:
    """Every plain word of the manual, in order, with repeats."""
    return _WORD.findall(" ".join(topics[name] for name in sorted(topics)))


@cache
def other_words() -> tuple[str, ...]:
    """Each manual word once, less those with a meaning to the model."""
    return unknown_words(" ".join(manual_words()))
