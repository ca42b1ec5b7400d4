"""Textual's stylesheet, which parses each source once.

Textual's own forgets what it parsed whenever a screen is opened or the theme changes, and parses it in a sheet that it
throws away. It also keeps no more than 64 sources, of which all our screens together have nearly as many: with more,
all of them would be parsed anew for each new kind of widget.
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
