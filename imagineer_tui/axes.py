"""Read the axes of a grid from the command line: an option with several values is an axis, with one it is a setting."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from imagineerd.jobs import LoraWeight, Mix
from imagineerd.protocol import Axis, GuidanceAxis, LoraAxis, SeedAxis, StepsAxis, ThemeAxis

T = TypeVar("T")
Given: TypeAlias = Axis | LoraWeight
"""What one option says: values, of which there may be one alone, or a LoRA with its weight."""
_Numbers: TypeAlias = StepsAxis | GuidanceAxis | SeedAxis
_FIELDS: Final[dict[type, str]] = {StepsAxis: "steps", GuidanceAxis: "guidance_scale", SeedAxis: "seed"}


class Choice(msgspec.Struct, frozen=True):
    """Everything the options say: axes in the order they were given, and what is the same in all cells."""

    axes: tuple[Axis, ...]
    loras: Mix
    settings: dict[str, Any]
    theme: str


def chosen(given: Iterable[Given]) -> Choice:
    """Sort what the options say; several themes are one axis, at the place of the first."""
    said = _one_theme_axis(list(given))
    axes = tuple(axis for axis in said if not isinstance(axis, LoraWeight) and len(axis.values) > 1)
    fixed = [axis for axis in said if axis not in axes]
    return Choice(
        axes=axes,
        loras=tuple(lora for lora in map(_lora, fixed) if lora),
        settings={_FIELDS[type(axis)]: axis.values[0] for axis in fixed if isinstance(axis, _Numbers)},
        theme=next((axis.values[0] for axis in fixed if isinstance(axis, ThemeAxis)), ""),
    )


def lora_axis(text: str, lora_weight: Callable[[str], LoraWeight]) -> Given:
    """Read `NAME=0,0.5,1`, or what `lora_weight` reads."""
    name, equals, values = text.rpartition("=")
    if not equals:
        return lora_weight(text)
    if not name:
        raise argparse.ArgumentTypeError(f'"{text}" names no LoRA: write NAME=0,0.5,1')
    return LoraAxis(lora=name, values=_numbers(float, values))


def steps_axis(text: str) -> StepsAxis:
    """Read `10,20`."""
    return StepsAxis(values=_numbers(int, text))


def guidance_axis(text: str) -> GuidanceAxis:
    """Read `3,7.5`."""
    return GuidanceAxis(values=_numbers(float, text))


def seed_axis(text: str) -> SeedAxis:
    """Read `1,2,3`."""
    return SeedAxis(values=_numbers(int, text))


def theme_axis(text: str) -> ThemeAxis:
    """Take a theme, which may have commas."""
    return ThemeAxis(values=(text,))


def _numbers(kind: Callable[[str], T], text: str) -> tuple[T, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is no list of numbers: write 1,2,3') from None


def _one_theme_axis(said: list[Given]) -> list[Given]:
    themes = ThemeAxis(values=tuple(value for axis in said if isinstance(axis, ThemeAxis) for value in axis.values))
    merged = (themes if isinstance(axis, ThemeAxis) else axis for axis in said)
    return [axis for place, axis in enumerate(merged) if axis is not themes or _first(said) == place]


def _first(said: list[Given]) -> int:
    return next(place for place, axis in enumerate(said) if isinstance(axis, ThemeAxis))


def _lora(given: Given) -> LoraWeight | None:
    if isinstance(given, LoraAxis):
        return LoraWeight(given.lora, given.values[0])
    return given if isinstance(given, LoraWeight) else None
