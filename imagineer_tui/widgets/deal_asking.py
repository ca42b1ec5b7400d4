"""What Sets asks for in a small form: the settings of a deal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imagineer_tui.model import compose
from imagineer_tui.model.dealing import FIELDS, Deal, read
from imagineer_tui.widgets.asking import Asking

if TYPE_CHECKING:
    from imagineerd.protocol import ModelInfo

NOTE: Final = "What is left empty comes from the set. LoRAs are written Ink:0.6, Gold:0.2, a saved mix by its name."


def asking_settings(deal: Deal, model: ModelInfo | None, first: str) -> Asking:
    """Ask what all cards of a deal are drawn with: the fields of `dealing.FIELDS`, the cursor in `first`."""
    fields = [(name, label, deal.draft.get(name, "")) for name, label in FIELDS.items()]
    sizes = compose.presets(model)
    hints = {name: hint for name, hint in compose.HINTS.items() if name in FIELDS}
    return Asking(
        "Settings of this deal",
        NOTE,
        fields,
        lambda draft: read(draft).faults,
        first,
        hints={**hints, "size": compose.sizes_hint(sizes)},
        choices=compose.choices(sizes),
    )
