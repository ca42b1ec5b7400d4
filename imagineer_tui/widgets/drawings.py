"""Pictures made ready off the event loop, and kept while they are likely to be looked at again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from imagineer_tui.terminal import graphics
from imagineer_tui.terminal.images import Shown
from imagineer_tui.widgets.decoding import Box, opened, to_half_pixels, to_screen_pixels
from imagineer_tui.widgets.strips import half_blocks, letters

if TYPE_CHECKING:
    from PIL.Image import Image

K = TypeVar("K")
V = TypeVar("V")
Load: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Returns the file of a picture. Raises `OSError` or `ImagineerError` where there is none."""
KEPT: Final = 96
"""Drawings that are kept, and their files: two pages of a large terminal, some 100 kB each."""
THREADS: Final = 2


@dataclass(frozen=True)
class Wanted:
    """A picture by its key (a take), the box of cells that it shall fill, and how it is shown."""

    key: str
    box: Box
    shown: Shown = "half"
    blurred: bool = False


@dataclass(frozen=True)
class Drawing:
    """A picture that is ready: lines of text, and what its protocol wants besides.

    `upload` goes to the terminal before the lines are shown, and frees the number `picture` when it
    is over; `sixels` are drawn over the lines, from their upper left corner.
    """

    strips: list[Strip]
    upload: tuple[str, ...] = ()
    picture: int = 0
    sixels: str = ""


class Drawings:
    """Draws what is wanted, once. Used in one event loop; `load` fetches the files.

    A file is fetched once, too, so that a new size costs nothing on the line and needs nobody there.
    `dark` is the terminal's background, which letters are read on.
    """

    def __init__(self, load: Load, *, dark: bool = True, kept: int = KEPT) -> None:
        self._load = load
        self._dark = dark
        self._most = kept
        self._kept: OrderedDict[Wanted, Drawing] = OrderedDict()
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="drawing")

    def ready(self, wanted: Wanted) -> Drawing | None:
        """Return a drawing that is there already."""
        if wanted in self._kept:
            self._kept.move_to_end(wanted)
            if wanted.key in self._files:
                self._files.move_to_end(wanted.key)
        return self._kept.get(wanted)

    async def draw(self, wanted: Wanted) -> Drawing:
        """Return a drawing; where the task is cancelled before its turn, nothing is drawn. Raises what `load` does."""
        if (drawing := self.ready(wanted)) is not None:
            return drawing
        data = await self._file(wanted.key)
        loop = asyncio.get_running_loop()
        drawing = await loop.run_in_executor(self._threads, _drawn, data, wanted, self._dark)
        self._keep(self._kept, wanted, drawing)
        return drawing

    async def _file(self, key: str) -> bytes:
        if key not in self._files:
            self._keep(self._files, key, await self._load(key))
        self._files.move_to_end(key)
        return self._files[key]

    def _keep(self, kept: OrderedDict[K, V], key: K, value: V) -> None:
        kept[key] = value
        while len(kept) > self._most:
            kept.popitem(last=False)


def _drawn(data: bytes, wanted: Wanted, dark: bool) -> Drawing:  # noqa: FBT001 - run_in_executor takes no keywords
    image = opened(data, blurred=wanted.blurred)
    match wanted.shown:
        case "kitty":
            return _kitty(image, wanted.box.fitted(image.size))
        case "sixel":
            return _sixel(image, wanted.box.fitted(image.size))
        case "ascii":
            return Drawing(letters(to_half_pixels(image, wanted.box), dark=dark))
        case _:
            return Drawing(half_blocks(to_half_pixels(image, wanted.box)))


def _kitty(image: Image, box: Box) -> Drawing:
    picture = graphics.new_id()
    style = Style(color=Color.from_rgb(*graphics.id_color(picture)))
    lines = graphics.kitty_placeholders(box.columns, box.rows)
    return Drawing(
        [Strip([Segment(line, style)], box.columns) for line in lines],
        upload=tuple(graphics.kitty_upload(to_screen_pixels(image, box), picture, box.columns, box.rows)),
        picture=picture,
    )


def _sixel(image: Image, box: Box) -> Drawing:
    blank = [Strip.blank(box.columns)] * box.rows
    return Drawing(blank, sixels=graphics.sixels(to_screen_pixels(image, box)))
