"""Saved mixes: what they may be called, and the LoRAs that they stand for.

Wherever a LoRA is named, a saved mix may be. A mix goes before a LoRA of its name, since a person gave it that name on
purpose; saving one under a LoRA's name is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from imagineerd.errors import Invalid
from imagineerd.jobs import LoraWeight, Mix

MAX_WEIGHT = 2.0
"""As `jobs.Weight`."""
DIGITS = 6
"""Decimals that are kept of a weight times a weight, so that 3 times 0.2 is 0.6."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,62}[A-Za-z0-9_-])?")

Mixes: TypeAlias = Mapping[str, Mix]
"""The saved mixes by name in small letters."""


def check_name(name: str, loras: Iterable[str]) -> None:
    """Raise `Invalid` where no mix can be called so; `loras` are the names in the library, in small letters."""
    if not _NAME.fullmatch(name):
        message = f'"{name}" is no name for a mix: use up to 64 letters, digits, spaces, _ and -, the first no sign.'
        raise Invalid(message=message, field="$.name")
    if name.lower() in loras:
        raise Invalid(message=f'There is a LoRA "{name}": give the mix another name.', field="$.name")


def expand(wanted: Mix, mixes: Mixes) -> Mix:
    """Put the LoRAs of saved mixes in their place, their weights times that of the mix.

    A LoRA that is named itself takes its own weight, at the place that a mix before it gave it. Raises `Invalid` where
    a name stands twice, a LoRA comes from two mixes, or a weight is beyond 2.
    """
    own = {lora.name.lower(): lora for lora in wanted if lora.name.lower() not in mixes}
    placed: dict[str, LoraWeight] = {}
    _check_twice([lora.name.lower() for lora in wanted])
    for part in [part for lora in wanted for part in _parts(lora, mixes)]:
        key = part.name.lower()
        if key in placed and key not in own:
            raise Invalid(message=f'Two mixes have the LoRA "{part.name}": name it with the weight it is to have.')
        placed.setdefault(key, own.get(key, part))
    return tuple(placed.values())


def names_of(wanted: Mix, mixes: Mixes) -> tuple[str, ...]:
    """Return the names of the saved mixes among what was asked for."""
    return tuple(lora.name for lora in wanted if lora.name.lower() in mixes)


def _check_twice(names: list[str]) -> None:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            raise Invalid(message=f'"{name}" is named twice: give it one weight.', field="mix")


def _parts(lora: LoraWeight, mixes: Mixes) -> Mix:
    mix = mixes.get(lora.name.lower())
    if mix is None:
        return (lora,)
    return tuple(_scaled(part, lora) for part in mix)


def _scaled(part: LoraWeight, by: LoraWeight) -> LoraWeight:
    weight = round(part.weight * by.weight, DIGITS)
    if abs(weight) > MAX_WEIGHT:
        raise Invalid(message=f'{by.name} at {by.weight:g} gives "{part.name}" the weight {weight:g}: 2 is the most.')
    return msgspec.structs.replace(part, weight=weight)
