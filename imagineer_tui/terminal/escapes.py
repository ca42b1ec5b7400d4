"""Escape and a key that come at once are two keys.

Over a slow line they come in one packet, and Textual takes them for one key with alt, or for another one altogether:
escape and enter are enter then, escape and 4 are ¢. Nothing can be bound to alt here, so two keys is what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.message import Message

ESCAPE: Final = "\x1b"
PASTE: Final = "\x1b[200~"
ALONE: Final = re.compile(r"(\x1b)(?=[^\x1b\[\]OPX^_\\bf\x7f])")
"""An escape behind which no sequence begins, nor what terminals send for alt with arrows or backspace in a field."""


class EscapesParser(XTermParser):
    """Textual's, fed with one key after the other."""

    def feed(self, data: str) -> Iterable[Message]:
        """Return what was typed. Nothing at all is the end of what is read."""
        if not data or PASTE in data:
            yield from super().feed(data)
            return
        waits = self._held and self._timeout_time is not None
        if waits and (ALONE.match(ESCAPE + data) or ALONE.match(data)):
            self._timeout_time = 0.0  # what it waits for does not come
            yield from self.tick()
        for part in filter(None, ALONE.split(data)):
            yield from [Key("escape", ESCAPE)] if part == ESCAPE != data else super().feed(part)
        self._held = data.endswith(ESCAPE)

    _held = False
    """Whether the last thing that came was an escape alone, which a sequence may follow."""
