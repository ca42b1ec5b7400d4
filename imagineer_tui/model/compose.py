"""A single prompt as it is typed: the texts of a form in, what the daemon is asked for out.

A field that is left empty leaves the choice to the daemon. All ranges are those of `Settings` and `Generate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import inspect

from imagineerd.jobs import SCHEDULERS, LoraWeight
from imagineerd.protocol import Generate, ModelInfo, Plan, Settings, TakeDetail

Draft: TypeAlias = dict[str, str]
"""The text of each field; one that is absent is empty."""
FIELDS: Final = (
    "prompt", "negative_prompt", "size", "steps", "guidance_scale", "scheduler", "seed", "n", "mix", "model",
)  # fmt: skip
LABELS: Final = {
    "prompt": "Prompt", "negative_prompt": "Negative", "size": "Size", "steps": "Steps", "guidance_scale": "Guidance",
    "scheduler": "Sampler", "seed": "Seed", "n": "Takes", "mix": "Mix", "model": "Model",
}  # fmt: skip
SIZES: Final = {"sd1": ((512, 768), (512, 512), (768, 512))}
"""Sizes of a base model whose files declare none."""
STRIDES: Final = {"steps": 1, "guidance_scale": 0.5, "seed": 1, "n": 1}
"""What one press of an arrow adds to a number."""


class Range(NamedTuple):
    """What a number may be; `whole` ones have no fraction."""

    least: float
    most: float
    multiple: float
    whole: bool

    def __str__(self) -> str:
        multiple = f", divisible by {self.multiple}" if self.multiple else ""
        return f"{self.least:,.12g} to {self.most:,.12g}{multiple}"

    def read(self, text: str) -> int | float:
        """Return the number. Raises `ValueError` with a sentence."""
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            kind = "a whole number" if self.whole else "a number"
            raise ValueError(f"“{text}” is not {kind}.") from None
        if not self.least <= value <= self.most or (self.multiple and value % self.multiple):
            raise ValueError(f"{text} is not within {self}.")
        return value


class Order(NamedTuple):
    """What a draft asks for. `faults` are sentences by field; with any, it cannot be drawn."""

    prompt: str
    n: int | None
    settings: Settings
    faults: dict[str, str]


def _info(holder: type[msgspec.Struct], name: str) -> Any:
    """Return the type of a field without what else it may be."""
    fields: Any = inspect.type_info(holder)
    found = next(field.type for field in fields.fields if field.name == name)
    while isinstance(found, inspect.UnionType | inspect.Metadata):
        found = found.types[0] if isinstance(found, inspect.UnionType) else found.type
    return found


def _range(holder: type[msgspec.Struct], name: str) -> Range:
    info = _info(holder, name)
    return Range(info.ge, info.le, info.multiple_of or 0, isinstance(info, inspect.IntType))


def _longest(holder: type[msgspec.Struct], name: str) -> int:
    return int(_info(holder, name).max_length)


RANGES: Final = {
    **{name: _range(Settings, name) for name in ("width", "height", "steps", "guidance_scale", "seed")},
    "n": _range(Generate, "n"),
}
HINTS: Final = {
    **{name: f"{RANGES[name]}" for name in ("steps", "guidance_scale", "n")},
    "scheduler": "↑↓ goes through them",
    "seed": "empty: new each time",
}
"""What is said beside a field; beside a size, see `sizes_hint`."""
LENGTHS: Final = {
    "prompt": _longest(Generate, "prompt"),
    "negative_prompt": _longest(Settings, "negative_prompt"),
    "model": _longest(Settings, "model"),
}

# ---------------------------------------------------------------- reading a draft


def read(draft: Mapping[str, str]) -> Order:
    """Return what a draft asks for, with a sentence for each field that is wrong."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in FIELDS:
        text = draft.get(name, "").strip()
        if not text:
            continue
        try:
            values |= READERS[name](name, text)
        except ValueError as error:
            faults[name] = str(error)
    if "prompt" not in values and "prompt" not in faults:
        faults["prompt"] = "Say what to draw."
    prompt, n = values.pop("prompt", ""), values.pop("n", None)
    return Order(prompt, n, Settings(**values), faults)


def _number(name: str, text: str) -> dict[str, Any]:
    return {name: RANGES[name].read(text)}


def _words(name: str, text: str) -> dict[str, Any]:
    if len(text) > LENGTHS[name]:
        raise ValueError(f"{len(text):,} characters are too many: {LENGTHS[name]:,} at most.")
    return {name: text}


def _size(_: str, text: str) -> dict[str, Any]:
    width, times, height = text.lower().replace("×", "x").partition("x")
    if not times:
        raise ValueError(f"“{text}” is no size: write width and height, such as 512x768.")
    return {"width": RANGES["width"].read(width.strip()), "height": RANGES["height"].read(height.strip())}


def _scheduler(name: str, text: str) -> dict[str, Any]:
    if text not in SCHEDULERS:
        raise ValueError(f"There is no sampler “{text}”: {', '.join(SCHEDULERS)}.")
    return {name: text}


def _mix(name: str, text: str) -> dict[str, Any]:
    return {name: tuple(_lora(part.strip()) for part in text.split(",") if part.strip())}


def _lora(text: str) -> LoraWeight:
    name, colon, weight = text.rpartition(":")
    if not colon:
        return LoraWeight(text, noted=True)
    if not name.strip():
        raise ValueError(f"“{text}” names no LoRA: write Ink:0.6.")
    return LoraWeight(name.strip(), WEIGHT.read(weight.strip()))


WEIGHT: Final = _range(LoraWeight, "weight")
READERS: Final[dict[str, Callable[[str, str], dict[str, Any]]]] = {
    "prompt": _words, "negative_prompt": _words, "size": _size, "steps": _number, "guidance_scale": _number,
    "scheduler": _scheduler, "seed": _number, "n": _number, "mix": _mix, "model": _words,
}  # fmt: skip

# ---------------------------------------------------------------- filling in a draft


def draft_of(detail: TakeDetail) -> Draft:
    """Return the draft that draws such a take again."""
    settings, spec = detail.settings, detail.spec
    plain = {
        name: str(value)
        for name in ("steps", "guidance_scale", "scheduler", "seed", "negative_prompt", "model")
        if (value := getattr(settings, name)) is not None
    }
    size = f"{settings.width or spec.width}x{settings.height or spec.height}"
    return {**plain, "prompt": spec.prompt, "size": size, "mix": mix_text(settings.mix or ())}


def mix_text(mix: Iterable[LoraWeight]) -> str:
    """Return a mix as it is typed: `Ink:0.6, Tarot:0.2`."""
    return ", ".join(lora.name if lora.noted else f"{lora.name}:{lora.weight:g}" for lora in mix)


def stepped(name: str, text: str, by: int, choices: Sequence[str] = ()) -> str:
    """Return what a field says after an arrow was pressed: the next choice, or a number nearby within its range."""
    if choices:
        at = choices.index(text) + by if text in choices else (0 if by > 0 else -1)
        return choices[at % len(choices)]
    if name not in STRIDES:
        return text
    bounds = RANGES[name]
    try:
        value = bounds.read(text) + by * STRIDES[name] if text else bounds.least
    except ValueError:
        return text
    nearest = max(bounds.least, min(bounds.most, value))
    return str(nearest) if bounds.whole else f"{nearest:g}"


def aspect(width: int, height: int) -> str:
    """Return the shape of a picture in a word."""
    return "square" if width == height else "portrait" if width < height else "landscape"


def presets(model: ModelInfo | None) -> dict[str, str]:
    """Return the native sizes of a model as they are typed, with their shapes, upright ones first."""
    sizes = (model.sizes or SIZES.get(model.base, ())) if model else ()
    shapes = {f"{width}x{height}": aspect(width, height) for width, height in sizes}
    return dict(sorted(shapes.items(), key=lambda item: ("portrait", "square", "landscape").index(item[1])))


def sizes_hint(sizes: Mapping[str, str]) -> str:
    """Return what is said beside a size, from the presets of a model."""
    return " · ".join(f"{size} {shape}" for size, shape in sizes.items()) or f"each side {RANGES['width']}"


def choices(sizes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the fields of which the arrows go through choices, from the presets of a model."""
    return {"size": tuple(sizes), "scheduler": SCHEDULERS}


def lost_from(typed: str, plan: Plan) -> int | None:
    """Return where in a text as it is typed begins what the model does not read; None where it reads all of it.

    None too where a trigger word stands in for something before that: then the plan's warning says it alone.
    """
    (card,) = plan.cards
    text = typed.strip()
    kept = len(card.prompt) - len(card.tokens.cut)
    if not card.prompt.startswith(text) or kept >= len(text):
        return None
    return typed.index(text) + kept


def field_of(path: str) -> str:
    """Return the field that an error's path (`$.settings.width`) is about, empty where it is about none."""
    names = (part.partition("[")[0] for part in path.split("."))
    last = next((name for name in reversed(list(names)) if name in {*FIELDS, "width", "height"}), "")
    return "size" if last in {"width", "height"} else last
