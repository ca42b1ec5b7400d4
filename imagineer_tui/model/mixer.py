"""A mix on faders: what each key does to it, how that is taken back, and which LoRAs there are for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from imagineer_tui.model.compose import RANGES, WEIGHT
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import Axis, LoraAxis, LoraInfo, ModelInfo, SeedAxis, StepsAxis

BADGES: Final = {"sd1": "SD1", "sd2": "SD2", "sdxl": "SDXL", "sd3": "SD3", "flux": "Flux", "other": "other"}
"""What is written for a base model; any other is written as it is, and `?` for an unknown one."""
MODELS: Final = {"starter": "the starter model", "sd1": "Stable Diffusion 1.5"}
"""The models that come with imagineer or are fetched by it, by what they are for LoRAs."""
MOST_UNDONE: Final = 100


@dataclass(frozen=True)
class Fader:
    """A LoRA with its weight; `start` is the one that a reset goes back to."""

    name: str
    weight: float = 1.0
    start: float = 1.0
    muted: bool = False


@dataclass(frozen=True)
class Desk:
    """The faders in their order; while one is `solo`, the others are not heard."""

    faders: tuple[Fader, ...] = ()
    solo: str = ""

    @property
    def names(self) -> list[str]:
        """The LoRAs on it."""
        return [fader.name for fader in self.faders]

    @property
    def mix(self) -> tuple[LoraWeight, ...]:
        """What is drawn with: every fader that is heard and not at 0."""
        return tuple(
            LoraWeight(fader.name, fader.weight) for fader in self.faders if self.heard(fader) and fader.weight
        )

    def heard(self, fader: Fader) -> bool:
        """Say whether a fader counts."""
        return fader.name == self.solo if self.solo else not fader.muted

    def put(self, name: str, weight: float) -> Desk:
        """Set a weight, kept within the range of weights."""
        within = round(max(WEIGHT.least, min(WEIGHT.most, weight)), 2)
        return self._change(name, lambda fader: replace(fader, weight=within))

    def nudge(self, name: str, by: float) -> Desk:
        """Change a weight by so much."""
        return self.put(name, self._fader(name).weight + by)

    def reset(self, name: str) -> Desk:
        """Set a weight back to where it started."""
        return self.put(name, self._fader(name).start)

    def mute(self, name: str) -> Desk:
        """Leave a fader out, or let it count again."""
        return self._change(name, lambda fader: replace(fader, muted=not fader.muted))

    def alone(self, name: str) -> Desk:
        """Hear this fader alone, or all of them again."""
        return replace(self, solo="" if self.solo == name else name)

    def add(self, name: str, weight: float | None) -> Desk:
        """Put a LoRA on a new fader, at the weight that is noted for it or 1; one that is there stays."""
        if name in self.names:
            return self
        start = 1.0 if weight is None else weight
        return replace(self, faders=(*self.faders, Fader(name, start, start)))

    def remove(self, name: str) -> Desk:
        """Take a LoRA off."""
        left = tuple(fader for fader in self.faders if fader.name != name)
        return replace(self, faders=left, solo="" if self.solo == name else self.solo)

    def _fader(self, name: str) -> Fader:
        return next(fader for fader in self.faders if fader.name == name)

    def _change(self, name: str, change: Any) -> Desk:
        return replace(self, faders=tuple(change(fader) if fader.name == name else fader for fader in self.faders))


@dataclass
class Editing:
    """A desk and its past. Changes of the same kind in a row (`what`) are taken back together."""

    desk: Desk = Desk()
    _past: list[tuple[str, Desk]] = field(default_factory=list)

    def do(self, what: str, desk: Desk) -> None:
        """Change the desk."""
        if desk != self.desk and not (what and self._past and self._past[-1][0] == what):
            self._past = [*self._past, (what, self.desk)][-MOST_UNDONE:]
        self.desk = desk

    def undo(self) -> bool:
        """Take the last change back; say whether there was one."""
        if self._past:
            _, self.desk = self._past.pop()
            return True
        return False


def desk_of(mix: Iterable[LoraWeight]) -> Desk:
    """Return the desk of a saved mix."""
    return Desk(tuple(Fader(lora.name, lora.weight, lora.weight) for lora in mix))


def kept(desk: Desk) -> dict[str, Any]:
    """Return a desk as JSON values."""
    return asdict(desk)


def recalled(memory: Mapping[str, Any]) -> Desk:
    """Return the desk that was kept; an empty one where that makes no sense."""
    try:
        faders = tuple(Fader(**fader) for fader in memory.get("faders", ()))
        return Desk(faders, str(memory.get("solo", "")))
    except TypeError:
        return Desk()


# ---------------------------------------------------------------- the library


def badge(base: str) -> str:
    """Return what is written for a base model."""
    return "?" if base == "unknown" else BADGES.get(base, base)


def obstacle(lora: LoraInfo, model: ModelInfo | None) -> str:
    """Return why a LoRA cannot be drawn with by this model, in a sentence; empty where nothing speaks against it."""
    if not lora.usable:
        return lora.problems[0].message if lora.problems else "It cannot be used."
    if model is None or "unknown" in {lora.base, model.base} or lora.base == model.base:
        return ""
    remedy = " F2 and model.default change to it." if lora.base in MODELS else ""
    return f"It was trained for {MODELS.get(lora.base, badge(lora.base))}, which {model.name} is not.{remedy}"


def triggers(desk: Desk, library: Iterable[LoraInfo]) -> tuple[str, ...]:
    """Return the trigger words of the LoRAs that are heard, in the order of the faders."""
    words = {lora.name: lora.trigger for lora in library}
    found = (words.get(lora.name, "") for lora in desk.mix)
    return tuple(dict.fromkeys(word for word in found if word))


# ---------------------------------------------------------------- a grid of weights


def read_axes(draft: Mapping[str, str], loras: Iterable[str]) -> tuple[tuple[Axis, ...], dict[str, str]]:
    """Return the axes of a grid, from a text of values for each LoRA, for `seed` and for `steps`; and what is wrong."""
    axes: list[Axis] = []
    faults: dict[str, str] = {}
    known = {f"lora:{name}": WEIGHT for name in loras} | {name: RANGES[name] for name in ("steps", "seed")}
    for name, bounds in known.items():
        try:
            values = [bounds.read(part.strip()) for part in draft.get(name, "").split(",") if part.strip()]
        except ValueError as error:
            faults[name] = str(error)
            continue
        if values:
            axes.append(_axis(name, values))
    if not axes and not faults:
        faults[next(iter(known))] = "A grid varies something: write values, such as 0, 0.5, 1."
    return tuple(axes), faults


def _axis(name: str, values: list[int | float]) -> Axis:
    whole = tuple(int(value) for value in values)
    match name:
        case "steps":
            return StepsAxis(values=whole)
        case "seed":
            return SeedAxis(values=whole)
        case _:
            return LoraAxis(lora=name.removeprefix("lora:"), values=tuple(values))
