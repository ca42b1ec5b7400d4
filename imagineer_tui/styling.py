"""Textual's stylesheet, which parses each source once.

Textual's own forgets what it parsed at every change of theme and of mode, parses it in a sheet that it throws away, and
keeps 64 sources: with more, which a few screens have, it parses all of them anew for each new kind of widget.
"""

from __future__ import annotations

from typing import Final

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

MOST_SOURCES: Final = 1024


class KeptStylesheet(Stylesheet):
    """Parses a source again only where a variable has changed."""

    def __init__(self, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(MOST_SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Forget what was parsed if these are others."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what has to be.

        Raises an error of `textual.css.errors`, and changes no rule, where a source has a fault.
        """
        self.parse()
