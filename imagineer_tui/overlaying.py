"""Pictures of pixels lie over the text, and whatever is written there afterwards wipes them out.

So they are drawn anew after every paint of their cells, and what covers them is painted over them once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast

from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from imagineer_tui.terminal.driver import send

R = TypeVar("R")


class OverText(Protocol):
    """What a widget has that may have a picture over its text."""

    def over_text(self) -> tuple[Region, str] | None:
        """Return the picture's cells on the screen and the sequence that draws it there; None while there is none."""


class Overlaying(App[R], Generic[R]):
    """An app whose pictures stay in sight."""

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, ChopsUpdate | LayoutUpdate) and not self._batch_count:
            for place, sequence, covers in list(pictures(screen)):
                if wiped(place, painted(renderable), [_seen(screen, cover) for cover in covers]):
                    send(self, sequence)
                    for cover in covers:
                        cover.refresh()


def pictures(screen: Screen[Any]) -> Iterator[tuple[Region, str, list[Widget]]]:
    """Yield each picture that is whole in sight: its cells, what draws it, and the widgets that cover some of it."""
    above: list[Widget] = []
    for widget, (_, clip) in screen._compositor.visible_widgets.items():  # noqa: SLF001 - from the foremost on
        found = cast("OverText", widget).over_text() if hasattr(widget, "over_text") else None
        if found and clip.contains_region(found[0]):
            yield *found, [cover for cover in above if _seen(screen, cover).overlaps(found[0])]
        above.append(widget)


def painted(update: ChopsUpdate | LayoutUpdate) -> Iterable[Region]:
    """Return the cells that an update writes."""
    if isinstance(update, LayoutUpdate):
        return [update.region]
    return [Region(first, y, end - first, 1) for y, first, end in update.spans]


def wiped(place: Region, written: Iterable[Region], covers: Sequence[Region]) -> bool:
    """Say whether something was written into `place` where nothing covers it."""
    return any(
        cells.overlaps(place) and not any(cover.contains_region(cells.intersection(place)) for cover in covers)
        for cells in written
    )


def _seen(screen: Screen[Any], widget: Widget) -> Region:
    region, clip = screen._compositor.visible_widgets[widget]  # noqa: SLF001 - Textual gives no other way
    return region.intersection(clip)
