"""How the files of a batch are named: `{NN}_{card}` in a folder of their own, whatever a row is called."""

from __future__ import annotations

import re
import unicodedata

MAX_SLUG = 80
GRID = "grid"
"""How the ids of grids begin, in place of a set's."""
AUDITION = "audition"
"""How the ids of auditions begin."""
SHEET = "sheet.png"
"""The contact sheet in the folder of a grid."""
_NOT_A_WORD = re.compile(r"\W+")


def slug_of(name: str) -> str:
    """Return a name as part of a file name: letters, digits and `_`, at most 80 characters, never empty.

    No separator, no dot, no control or bidi character survives, so that the result cannot leave its folder.
    """
    words = _NOT_A_WORD.sub("_", unicodedata.normalize("NFKC", name)).strip("_").lower()
    while len(words.encode()) > MAX_SLUG:
        words = words[:-1]
    return words.strip("_") or "card"


def stem_of(slot: int, name: str) -> str:
    """Return the file name of a slot's card without suffix: `03_three_of_hearts`."""
    return f"{slot:02d}_{slug_of(name)}"


def batch_id(set_id: str, stamp: str) -> str:
    """Return a batch's name before it is made unique: `zodiac_20261122_121503`."""
    return f"{slug_of(set_id or 'single')}_{stamp}"


def media_type(variant: str) -> str:
    """Return the media type of a take's file or of its thumbnail."""
    return "image/png" if variant == "full" else "image/jpeg"


def thumbnail_of(file: str) -> str:
    """Return a thumbnail's path relative to the batch's folder, from the picture's file name."""
    return f".thumbs/{file.removesuffix('.png')}.jpg"
