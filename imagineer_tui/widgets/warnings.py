"""What is doubtful about a prompt or a deal, as it stands above the line that says what will be drawn."""

from __future__ import annotations

from typing import Final

from textual.content import Content

MOST_LINES: Final = 2
"""Lines of a warning: there must be room for what it is about."""


def warning(text: str, width: int = 0) -> Content:
    """Return a warning, no longer than a few lines in this width; 0 is a width that is not known yet."""
    whole = Content.assemble(("! ", "b $warning"), (text, "$warning"))
    return _in_short(whole, width) if width else whole


def _in_short(text: Content, width: int) -> Content:
    lines = text.wrap(width)
    if len(lines) <= MOST_LINES:
        return text
    shown = lines[:MOST_LINES]
    shown[-1] = (shown[-1].rstrip() + " …").truncate(width, ellipsis=True)
    return Content("\n").join(shown)
