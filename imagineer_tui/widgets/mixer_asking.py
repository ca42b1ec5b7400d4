"""What the Mixer asks for in a small form: a weight, a name, the values of a grid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from imagineer_tui.model import mixer
from imagineer_tui.model.compose import WEIGHT
from imagineer_tui.model.mixer import Fader
from imagineer_tui.widgets.asking import Asking
from imagineerd.errors import Invalid
from imagineerd.lora.mixes import check_name

if TYPE_CHECKING:
    from imagineerd.protocol import Axis


def asking_weight(fader: Fader) -> Asking:
    """Ask for a weight: field `weight`."""
    return Asking(fader.name, str(WEIGHT), (("weight", "Weight", f"{fader.weight:g}"),), _check_weight)


async def ask_name(app: App[Any], name: str, loras: Collection[str]) -> str:
    """Return the name under which the mix shall be saved, empty where there is none; `name` is that of now."""
    draft = await app.push_screen_wait(asking_name(name, loras))
    return draft["name"].strip() if draft else ""


async def ask_axes(app: App[Any], loras: Sequence[str], chosen: str) -> tuple[Axis, ...]:
    """Return the axes of a grid, none where there shall be no grid."""
    draft = await app.push_screen_wait(asking_grid(loras, chosen))
    return mixer.read_axes(draft, loras)[0] if draft else ()


def asking_name(name: str, loras: Collection[str]) -> Asking:
    """Ask for the name of a mix: field `name`. Those of the LoRAs are taken."""
    note = "Up to 64 letters, digits, spaces, _ and -. A mix of that name is replaced."
    return Asking("Save the mix", note, (("name", "Name", name),), lambda draft: _check_name(draft["name"], loras))


def asking_grid(loras: Sequence[str], chosen: str) -> Asking:
    """Ask for the axes of a grid, as `mixer.read_axes` reads them."""
    fields = [(f"lora:{name}", name, "0, 0.5, 1" if name == chosen else "") for name in loras]
    fields += [("steps", "Steps", ""), ("seed", "Seed", "")]
    note = "Values with commas; the first two axes run across and down. What is empty stays as it is."
    return Asking("Grid of weights", note, fields, lambda draft: mixer.read_axes(draft, loras)[1])


def _check_weight(draft: Mapping[str, str]) -> dict[str, str]:
    try:
        WEIGHT.read(draft["weight"])
    except ValueError as error:
        return {"weight": str(error)}
    return {}


def _check_name(name: str, loras: Collection[str]) -> dict[str, str]:
    """As the daemon does, while the form is still open."""
    try:
        check_name(name.strip(), {lora.lower() for lora in loras})
    except Invalid as error:
        return {"name": error.message}
    return {}
