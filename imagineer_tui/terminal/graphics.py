"""Pictures in the terminal's own protocols, as text that is written to it.

textual-image brings the Sixel encoder and the table of Kitty's row and column marks. It asks the
terminal when it is imported, and types replies that come late into the app; `_library` keeps it
silent. What it sends itself is not used: it uploads a picture anew for every repaint, past
Textual's own output, and never frees one.
"""

from __future__ import annotations

import base64
import io
import random
import re
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from PIL.Image import Image

CHUNK: Final = 4096
"""Most bytes of one piece of a picture (kitty's graphics protocol)."""
COLORS: Final = 256
"""Colours of a picture: a quarter of the bytes of all there are, and hard to tell from them. Sixels have no more."""
FEW: Final = 128
"""Colours of a picture that has only a few."""
PLACEHOLDER: Final = "\U0010eeee"
_SIXEL_HEADER: Final = re.compile(r'\x1bP[\d;]*q"[\d;]*')
_SIXEL_COLOR: Final = re.compile(r"#\d+;2;\d+;\d+;\d+")
_IDS: Final = 2**24
"""Ids that fit into the colour of a cell."""


def new_id() -> int:
    """Return an id for a picture. Others share the terminal, so it is left to chance."""
    return random.randrange(1, _IDS)  # noqa: S311 - not a secret


def kitty_upload(image: Image, picture: int, columns: int, rows: int) -> list[str]:
    """Return the sequences that bring a picture into the terminal, to be shown by placeholders in a box of cells."""
    data = base64.b64encode(_png(image)).decode()
    pieces = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    first = f"a=T,U=1,f=100,i={picture},c={columns},r={rows},q=2,m={int(len(pieces) > 1)}"
    keys = [first, *(f"q=2,m={int(place < len(pieces))}" for place in range(2, len(pieces) + 1))]
    return [f"\x1b_G{key};{piece}\x1b\\" for key, piece in zip(keys, pieces, strict=True)]


def kitty_placeholders(columns: int, rows: int) -> list[str]:
    """Return the lines of a box; their colour, as 24 bits, is the picture's id."""
    marks = _marks()
    return ["".join(f"{PLACEHOLDER}{marks[row]}{marks[column]}" for column in range(columns)) for row in range(rows)]


def kitty_delete(picture: int) -> str:
    """Return what frees a picture and takes it off the screen."""
    return f"\x1b_Ga=d,d=I,i={picture},q=2\x1b\\"


def id_color(picture: int) -> tuple[int, int, int]:
    """Return red, green and blue of a placeholder of this picture."""
    return picture >> 16 & 255, picture >> 8 & 255, picture & 255


def sixels(image: Image) -> str:
    """Return a picture that appears at the cursor."""
    encoder = _library("textual_image._sixel")
    return _defined_first(encoder.image_to_sixels(_reduced(image), encoder.SixelOptions(colors=COLORS)))


def _defined_first(text: str) -> str:
    """Return a Sixel picture with all colours defined before the first is used.

    xterm 379 gives pixels that are there already another colour when one is defined between them.
    """
    start = _SIXEL_HEADER.match(text).end()  # type: ignore[union-attr]
    colors = "".join(_SIXEL_COLOR.findall(text))
    return f"{text[:start]}{colors}{_SIXEL_COLOR.sub(_number, text[start:])}"


def _number(color: re.Match[str]) -> str:
    return color[0].partition(";")[0]


def _png(image: Image) -> bytes:
    file = io.BytesIO()
    _reduced(image).save(file, "PNG")
    return file.getvalue()


def _reduced(image: Image) -> Image:
    """Return a picture with a palette.

    The octree takes a hundredth of the time of the median cut, and loses no small spot of a strong colour; of greys
    and of other pictures in one hue it leaves a dozen.
    """
    from PIL.Image import Quantize

    reduced = image.quantize(COLORS, Quantize.FASTOCTREE)
    return reduced if len(set(reduced.tobytes())) >= FEW else image.quantize(FEW, Quantize.MEDIANCUT)


@cache
def _marks() -> str:
    table: list[int] = _library("textual_image.renderable.tgp")._NUMBER_TO_DIACRITIC  # noqa: SLF001
    return "".join(map(chr, table))


def _library(module: str) -> Any:
    """Import a module of textual-image without a byte for the terminal."""
    from importlib import import_module

    terminal = import_module("textual_image._terminal")
    terminal.capture_terminal_response = _refuse(terminal)  # type: ignore[attr-defined]
    return import_module(module)


def _refuse(terminal: ModuleType) -> Any:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise terminal.TerminalError

    return refuse
