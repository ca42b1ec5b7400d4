"""How much of what the model can read a prompt takes: `▓▓▓▓▓▓░░  61/77`, with a mark where it is too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

if TYPE_CHECKING:
    from imagineerd.protocol import Tokens

CELLS: Final = 8
WIDTH: Final = CELLS + 8


def token_bar(tokens: Tokens) -> Content:
    """Return the bar, `WIDTH` cells wide."""
    over = tokens.count > tokens.limit
    filled = min(CELLS, round(CELLS * tokens.count / tokens.limit))
    about = "" if tokens.exact else "~"
    count = f"{about}{tokens.count}/{tokens.limit}{'!' if over else ''}"
    style = "$warning" if over else "$primary"
    return Content.assemble(
        ("▓" * filled, style),
        ("░" * (CELLS - filled), "dim"),
        (f" {count:<{WIDTH - CELLS - 1}}", "b $warning" if over else "dim"),
    )
