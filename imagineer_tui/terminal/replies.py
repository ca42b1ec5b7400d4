"""The questions that are asked of a terminal, and what it answers.

The last question is DA1, which every terminal answers, and terminals answer in order: when its
reply is there, no other can come any more. Sources: xterm's ctlseqs, kitty's graphics protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

KITTY: Final = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
"""Is a picture of one pixel understood? (It is not shown.)"""
SIXEL_SIZE: Final = b"\x1b[?2;4;0S"
"""XTSMGRAPHICS: how large may a Sixel picture be? xterm shows nothing of a larger one."""
NAME: Final = b"\x1b[>0q"
"""XTVERSION: name and version."""
CELL: Final = b"\x1b[16t"
"""The size of a cell in pixels."""
BACKGROUND: Final = b"\x1b]11;?\x1b\\"
"""The background colour."""
COLOR: Final = b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m"
"""Which colour is set after this one was? A terminal that keeps all three numbers shows them, too."""
FENCE: Final = b"\x1b[c"
"""DA1: the primary device attributes."""
TIDY: Final = b"\r\x1b[K"
"""Removes what a terminal may have printed of a question that it does not know."""

_DA1: Final = re.compile(rb"\x1b\[\?([\d;]*)c")
_KITTY: Final = re.compile(rb"\x1b_Gi=31[^;]*;([^\x1b]*)\x1b\\")
_NAME: Final = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
_CELL: Final = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_HEX: Final = rb"([0-9a-fA-F]{1,4})"
_BACKGROUND: Final = re.compile(rb"\x1b\]11;rgba?:" + _HEX + rb"/" + _HEX + rb"/" + _HEX)
_COLOR: Final = re.compile(rb"\x1bP1\$r[^\x1b]*48[:;]2[:;]+(?:1[:;])?1[:;]2[:;]3m")
_SIXEL: Final = b"4"
_SIXEL_SIZE: Final = re.compile(rb"\x1b\[\?2;0;(\d+);(\d+)S")


@dataclass(frozen=True)
class Replies:
    """What a terminal answered; None and False where it said nothing.

    `cell` and `sixel_size`, of the largest picture, are (width, height) in pixels, `background` red, green and blue
    from 0 to 255.
    """

    fenced: bool = False
    sixel: bool = False
    sixel_size: tuple[int, int] | None = None
    kitty: str | None = None
    name: str | None = None
    cell: tuple[int, int] | None = None
    background: tuple[int, int, int] | None = None
    truecolor: bool = False


def questions(*, strings: bool) -> bytes:
    """Return everything to ask in one write; without `strings` for a terminal that prints those or keeps them."""
    return (KITTY + COLOR + SIXEL_SIZE if strings else b"") + NAME + CELL + BACKGROUND + FENCE


def is_complete(received: bytes) -> bool:
    """Say whether the fence has been answered."""
    return _DA1.search(received) is not None


def read_replies(received: bytes) -> Replies:
    """Return what the replies say; keys that were typed between them are skipped."""
    attributes = _DA1.search(received)
    return Replies(
        fenced=attributes is not None,
        sixel=attributes is not None and _SIXEL in attributes[1].split(b";")[1:],
        sixel_size=_size(_SIXEL_SIZE.search(received)),
        kitty=_text(_KITTY.search(received)),
        name=_text(_NAME.search(received)),
        cell=_cell(_CELL.search(received)),
        background=_background(_BACKGROUND.search(received)),
        truecolor=_COLOR.search(received) is not None,
    )


def _text(found: re.Match[bytes] | None) -> str | None:
    return found[1].decode(errors="replace") if found else None


def _cell(found: re.Match[bytes] | None) -> tuple[int, int] | None:
    size = _size(found)
    return (size[1], size[0]) if size else None


def _size(found: re.Match[bytes] | None) -> tuple[int, int] | None:
    if found is None:
        return None
    first, second = int(found[1]), int(found[2])
    return (first, second) if first and second else None


def _background(found: re.Match[bytes] | None) -> tuple[int, int, int] | None:
    if found is None:
        return None
    red, green, blue = (int(part, 16) * 255 // (16 ** len(part) - 1) for part in found.groups())
    return red, green, blue
