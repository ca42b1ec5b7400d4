"""From a grid's request to frozen specs, one for each cell. What an axis varies goes before everything else."""

from __future__ import annotations

import msgspec

from imagineerd import planning
from imagineerd.errors import Invalid
from imagineerd.grids.cells import Cell, cells_of, name_of
from imagineerd.jobs import GenerateSpec, LoraWeight, Mix
from imagineerd.planning import Basis
from imagineerd.protocol import DealGrid, GuidanceAxis, LoraAxis, SeedAxis, StepsAxis, ThemeAxis
from imagineerd.sets.library import CardSet

_OF_SPEC = {StepsAxis: "steps", GuidanceAxis: "guidance_scale", SeedAxis: "seed"}
"""Axes that vary a field of the spec by itself."""


class Grid(msgspec.Struct, frozen=True):
    """A grid to be: what it is called, a spec for each cell in reading order, the saved mixes that it uses."""

    title: str
    specs: tuple[GenerateSpec, ...]
    mixes: tuple[str, ...]


def check_subject(request: DealGrid) -> None:
    """Raise `Invalid` where the request names neither a prompt nor a card, or both, or themes without a card."""
    if bool(request.prompt) == bool(request.set) or bool(request.set) != bool(request.card):
        raise Invalid(message="A grid is of a prompt, or of one card of a set: name one of them.", field="$.prompt")
    if request.prompt and (request.theme or any(isinstance(axis, ThemeAxis) for axis in request.axes)):
        raise Invalid(message="A prompt has no theme: make a grid of a card, or leave the theme out.", field="$.theme")


def plan_grid(basis: Basis, request: DealGrid, card_set: CardSet | None) -> Grid:
    """Plan every cell; `card_set` is the set that the request names, None for a prompt.

    Raises `Invalid` for axes that make no grid, and what `planning.plan_set` and `plan_prompt` raise.
    """
    base, title = basis.settings.mix or (), request.prompt
    if card_set is not None:
        card_set = planning.pick_rows(card_set, (request.card or 0,))
        base = planning.wanted_mix(basis, card_set, card_set.rows[0].overrides)
        title = f"{card_set.name}: {card_set.rows[0].name}"
    cells = cells_of(request.axes)
    specs = tuple(_cell_spec(_with_mix(basis, _mix(base, request, cell)), request, card_set, cell) for cell in cells)
    return Grid(title, specs, basis.choose(_mix(base, request, cells[0])).mixes)


def _cell_spec(basis: Basis, request: DealGrid, card_set: CardSet | None, cell: Cell) -> GenerateSpec:
    pairs = list(zip(request.axes, cell, strict=True))
    theme = next((str(value) for axis, value in pairs if isinstance(axis, ThemeAxis)), request.theme)
    if card_set is None:
        (spec,) = planning.plan_prompt(basis, request.prompt, 1, "").specs
    else:
        (spec,) = planning.plan_set(basis, _without_loras(card_set), theme).specs
    varied = {_OF_SPEC[type(axis)]: value for axis, value in pairs if type(axis) in _OF_SPEC}
    return msgspec.structs.replace(spec, name=name_of(request.axes, cell), **varied)


def _mix(base: Mix, request: DealGrid, cell: Cell) -> Mix:
    """Return a mix with the weights of a cell, each at the place where its LoRA stands already, else behind."""
    placed = {lora.name.lower(): lora for lora in base}
    for axis, value in zip(request.axes, cell, strict=True):
        if isinstance(axis, LoraAxis):
            placed[axis.lora.lower()] = LoraWeight(axis.lora, float(value))
    return tuple(placed.values())


def _with_mix(basis: Basis, mix: Mix) -> Basis:
    return msgspec.structs.replace(basis, settings=msgspec.structs.replace(basis.settings, mix=mix))


def _without_loras(card_set: CardSet) -> CardSet:
    """Return a set of one row whose own LoRAs stand in the settings already."""
    (row,) = card_set.rows
    row = msgspec.structs.replace(row, overrides=msgspec.structs.replace(row.overrides, loras=None))
    return msgspec.structs.replace(card_set, rows=(row,))
