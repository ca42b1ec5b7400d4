"""Foreign text on a terminal: what a terminal would obey, and what terminals do not agree about, is left out.

Names, themes and prompts come from other people's files and programs. An escape sequence in one would be carried out,
and a sign that a terminal counts otherwise than we do moves all that stands behind it on its line.
"""

from __future__ import annotations

from itertools import chain
from types import ModuleType
from typing import Final

LEFT_OUT: Final = (
    *(range(0x09), range(0x0B, 0x20), range(0x7F, 0xA0)),  # control characters but tab and newline
    *(range(0x2028, 0x202F), range(0x2066, 0x206A), range(0x200D, 0x2010), range(0x61C, 0x61D)),  # direction, joiner
    *(range(0x200B, 0x200C), range(0x2060, 0x2061), range(0xFEFF, 0xFF00)),  # no width, but in some terminals
    *(range(0xFE00, 0xFE10), range(0x1F3FB, 0x1F400)),  # an emoji's colour and skin
    range(0xD800, 0xE000),  # halves of characters, which cannot be written
)
_LEFT_OUT: Final = dict.fromkeys(chain.from_iterable(LEFT_OUT))
_ONE_LINE: Final = {**_LEFT_OUT, ord("\n"): " ", ord("\t"): " "}


def printable(text: str) -> str:
    """Return a text of one or more lines as it can be written anywhere."""
    return text.translate(_LEFT_OUT)


def one_line(text: str) -> str:
    """Return a text as it can be written into a line."""
    return text.translate(_ONE_LINE)


def guard(library: ModuleType) -> None:
    """Have every text of rich (`rich.control`) or Textual (`textual.content`) made printable.

    They themselves leave out the bell and four others.
    """
    library._CONTROL_STRIP_TRANSLATE.update(_LEFT_OUT)  # noqa: SLF001 - the one place that all texts pass
