"""From what was asked for to what is drawn with: each LoRA found and found fitting, with its weight and its hash."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import msgspec

from imagineerd.jobs import LoraWeight, Mix
from imagineerd.lora import library as loras
from imagineerd.lora.mixes import Mixes, expand, names_of
from imagineerd.models import ResolvedModel, base_of_model
from imagineerd.triggers import words_of

PLAIN_WEIGHT = 1.0
"""Of a LoRA that is named without a weight, and beside which none is noted."""


class Chosen(msgspec.Struct, frozen=True):
    """What LoRAs and saved mixes come to: LoRAs with exact weights and hashes.

    `mixes` are the names of the saved mixes, `triggers` the trigger words of the LoRAs whose weight is not 0.
    """

    mix: Mix = ()
    mixes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()


class Chooser:
    """Chooses for all cards of one request: the folder is looked into once, and only if a LoRA is asked for."""

    def __init__(self, folder: Path | None, mixes: Mixes) -> None:
        self._folder = folder
        self._mixes = mixes
        self._chosen: dict[Mix, Chosen] = {}

    @cached_property
    def library(self) -> loras.Library:
        """The library as it is at the first question."""
        return loras.read_library(self._folder)

    def choose(self, wanted: Mix, model: ResolvedModel) -> Chosen:
        """Return what LoRAs and mixes come to on a model, the same for each card. Raises `LoraError`, `Invalid`."""
        if wanted not in self._chosen:
            files = [(self.file(lora.name), lora.weight) for lora in self.exact(wanted)]
            base = base_of_model(model) if files else "unknown"
            for file, _ in files:
                loras.check_lora(file, model.source.name, base)
            mix = tuple(LoraWeight(file.name, weight, file.sha256) for file, weight in files)
            triggers = words_of(loras.trigger_phrase(file) for file, weight in files if weight)
            self._chosen[wanted] = Chosen(mix, names_of(wanted, self._mixes), triggers)
        return self._chosen[wanted]

    def exact(self, wanted: Mix) -> Mix:
        """Return the LoRAs by their names in the library, with exact weights. Raises as `choose`."""
        return tuple(self._exact(lora) for lora in expand(wanted, self._mixes))

    def file(self, name: str) -> loras.LoraFile:
        """Return the file of a LoRA. Raises `LoraError`."""
        return loras.find_in(self.library, name, self._folder, self._mixes)

    def _exact(self, lora: LoraWeight) -> LoraWeight:
        file = self.file(lora.name)
        weight = (loras.note(file).weight or PLAIN_WEIGHT) if lora.noted else lora.weight
        return LoraWeight(file.name, weight)
