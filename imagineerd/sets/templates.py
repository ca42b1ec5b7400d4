"""Fill `{column}` placeholders and tidy prompt text: nothing but text in, text out.

A placeholder is a column's name between braces. `{{` and `}}` stand for single braces, and a brace that is part of
no placeholder stands for itself. What is put in is never looked at again, so that a cell can hold any text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f\u200b\ufeff]+")
_COMMAS = re.compile(r"\s*,(?:\s*,)*\s*")


class Filled(msgspec.Struct, frozen=True):
    """A filled template: the text, the placeholders without a column, those whose cell is empty."""

    text: str
    unresolved: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names between braces, in their order, each once."""
    names = (match[1].strip() for match in _PIECE.finditer(template) if match[1] is not None)
    return tuple(dict.fromkeys(names))


def fill(template: str, values: Mapping[str, str]) -> Filled:
    """Put the values in; a placeholder without a value stays in the text as it is written."""

    def piece(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return values.get(match[1].strip(), match[0])

    names = placeholders(template)
    return Filled(
        text=tidy(_PIECE.sub(piece, template)),
        unresolved=tuple(name for name in names if name not in values),
        empty=tuple(name for name in names if name in values and not tidy(values[name])),
    )


def tidy(text: str) -> str:
    """Return the text on one line, with single spaces and single commas and none at its ends."""
    one_line = " ".join(_INVISIBLE.sub(" ", text).split())
    return _COMMAS.sub(", ", one_line).strip(", ")
