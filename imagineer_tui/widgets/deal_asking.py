"""What Sets asks for in a small form: the settings of a deal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imagineer_tui.model import compose
from imagineer_tui.model.dealing import FIELDS, Deal, read
from imagineer_tui.widgets.asking import Asking, Draft

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineerd.protocol import ModelInfo

NOTE: Final = "What is left empty comes from the set. LoRAs are written Ink:0.6, Gold:0.2, a saved mix by its name."
MOST_NAMED: Final = 20
"""LoRAs that are named where some may be chosen; the Mixer has all."""


async def ask_settings(framed: Framed, deal: Deal, first: str) -> Draft | None:
    """Return the settings of a deal as they were typed, the cursor having begun in `first`; None where it was left."""
    asking = asking_settings(deal, framed.world.status.model if framed.world.status else None, first)
    framed.run_worker(_name_loras(framed, asking), group="loras", exclusive=True, exit_on_error=False)
    return await framed.house.push_screen_wait(asking)


async def _name_loras(framed: Framed, asking: Asking) -> None:
    """Write below the form, which is open by then, what may be typed."""
    client = framed.client
    library, mixes = await framed.asked(client.loras(MOST_NAMED)), await framed.asked(client.mixes())
    if library:
        names = ", ".join(lora.name for lora in library.loras if lora.usable)
        asking.add_to_note(f"\nLoRAs: {names or 'none yet'}")
    if mixes and mixes.mixes:
        asking.add_to_note(f"\nSaved mixes: {', '.join(mix.name for mix in mixes.mixes)}")


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
