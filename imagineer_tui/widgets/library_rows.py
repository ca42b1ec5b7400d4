"""The LoRAs and the saved mixes: what is on a fader is marked, what cannot be drawn with is greyed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows

if TYPE_CHECKING:
    from imagineer_tui.model.mixer import Desk
    from imagineerd.protocol import LoraInfo, MixInfo, ModelInfo

EMPTY: Final = "There is no LoRA yet. Put .safetensors files into the folder loras.directory (F2)."
"""What stands there in place of LoRAs, once the library is known to have none."""


class LibraryRows(Rows):
    """A line for each LoRA (`lora:NAME`) and each saved mix (`mix:NAME`)."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(), Column(width=7), Column(width=4), Column(width=1), id=id)

    def show(self, loras: Iterable[LoraInfo], mixes: Iterable[MixInfo], desk: Desk, model: ModelInfo | None) -> None:
        """Show all of them."""
        self.fill(_rows(loras, list(mixes), desk, model))


def _rows(loras: Iterable[LoraInfo], mixes: list[MixInfo], desk: Desk, model: ModelInfo | None) -> Iterator[Row]:
    from imagineer_tui.model.mixer import badge, obstacle

    for lora in loras:
        rank = f"r{lora.ranks[-1]}" if lora.ranks else ""
        unfit = bool(obstacle(lora, model))
        mark = "✗" if unfit else "●" if lora.name in desk.names else ""
        yield Row(f"lora:{lora.name}", (lora.name, badge(lora.base), rank, mark), dim=unfit)
    if mixes:
        yield Row("", ("── mixes ──",), heading=True)
    yield from (Row(f"mix:{mix.name}", (mix.name, "mix", str(len(mix.mix)), "")) for mix in mixes)
