"""Escape and the key typed right behind it: over a slow line both come in one piece.

Terminals send Alt with a key the same way, and so Textual reads them; the digits become the signs of a Mac's keyboard.
No key of ours has Alt: here they are what they look like, escape and then the key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.events import Key

ESC: Final = "\x1b"
BEGIN_SEQUENCES: Final = frozenset("[]OPX^_\\")
"""Behind escape they begin what a terminal says by itself; torn in two, it must not count as escape."""


class EscapesParser(XTermParser):
    """Textual's parser of what a terminal sends, without Alt."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterator[Key]:  # noqa: FBT001, FBT002 - Textual's
        sign = sequence.startswith(ESC) and isinstance(ANSI_SEQUENCES_KEYS.get(sequence), str)
        if (alt or sign) and sequence[-1] not in BEGIN_SEQUENCES:
            yield Key("escape", ESC)
            sequence, alt = sequence[-1], False
        yield from super()._sequence_to_key_events(sequence, alt)
