"""Apply a mix of LoRAs to a model by merging, and take it back bit for bit.

W = cast(fp32(W0) + sum_i w_i D_i), where D_i is what LoRA i adds at strength 1: (alpha / r) B A or as in deltas.py.
It is written over W in place: no module and no parameter of the model is ever another one, so that compiled graphs
stay. Nothing is subtracted again: a mix goes by copying W0 back, so that no rounding adds up and a broken LoRA leaves
no trace. The sum runs in the order of the files' hashes, in fp32 on the model's device, and is rounded once.

W0 is kept beside each weight for as long as it differs from W, and costs what that weight costs: 0.5 GB for a LoRA of
all attention in SD 1.5 in fp16, nothing without a mix. From one mix to the next only the weights are written whose
LoRAs or their strengths differ. All LoRAs of a mix are read and checked before the first weight is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import torch

from imagineerd.errors import LoraError
from imagineerd.fingerprint import file_sha256
from imagineerd.lora.facts import MIN_APPLIED
from imagineerd.lora.header import read_header
from imagineerd.worker.deltas import Factors, delta
from imagineerd.worker.lora_layouts import LoraTensors, read_lora
from imagineerd.worker.models import Merged, Model
from imagineerd.worker.module_names import weights_by_name

Parameter = torch.nn.Parameter


class Applied(msgspec.Struct, frozen=True):
    """One LoRA of the mix. `autov3` hashes the tensors alone, as A1111 names LoRAs.

    `applied` is the share of the file's tensors that are in the weights, 0 where its strength is 0: such a LoRA is
    hashed, but not read.
    """

    name: str
    weight: float
    sha256: str
    autov3: str
    applied: float = 0.0


@dataclass(frozen=True)
class _Change:
    """What one LoRA adds to one weight: strength * delta(factors)."""

    sha256: str
    strength: float
    factors: Factors


_Changes: TypeAlias = dict[Parameter, list[_Change]]


def apply_mix(model: Model, loras: Sequence[tuple[str, str, float]]) -> tuple[Applied, ...]:
    """Bring the model from whatever mix it holds to `loras`: (name, path, weight), weights any number.

    Raises `LoraError`, with the model left as it was, where a file cannot be read or does not fit.
    """
    asked = tuple(_identified(name, Path(path), weight) for name, path, weight in loras)
    if model.mix is not None and asked == tuple(msgspec.structs.replace(lora, applied=0.0) for lora in model.mix):
        return model.mix
    mix, changes = _read(model, asked, [Path(path) for _, path, _ in loras])
    _write(model, changes)
    model.mix = mix
    return mix


def _identified(name: str, path: Path, weight: float) -> Applied:
    start = read_header(path).data_start
    try:
        return Applied(name, weight, file_sha256(path), file_sha256(path, skip=start))
    except OSError as error:
        raise LoraError(f'The LoRA "{name}" cannot be read: {error.strerror}.') from error


# ---------------------------------------------------------------- reading: what is added to which weight


def _read(model: Model, mix: Sequence[Applied], paths: Sequence[Path]) -> tuple[tuple[Applied, ...], _Changes]:
    """Return the mix with what of it is applied, and the changes of each weight in the order of their sum."""
    weights = weights_by_name(model.unet, model.text_encoder)
    changes: _Changes = {}
    read = tuple(
        _collect(lora, read_lora(lora.name, path, lora.sha256), weights, changes) if lora.weight else lora
        for lora, path in zip(mix, paths, strict=True)
    )
    for added in changes.values():
        added.sort(key=lambda change: (change.sha256, change.strength))
    return read, changes


def _collect(lora: Applied, tensors: LoraTensors, weights: Mapping[str, Parameter], changes: _Changes) -> Applied:
    """Add what one LoRA does to `changes`; return it with the share of its tensors that this is."""
    found = [(weights[factors.module], factors) for factors in tensors.factors if factors.module in weights]
    for parameter, factors in found:
        _check_shape(lora.name, parameter, factors)
        changes.setdefault(parameter, []).append(_Change(lora.sha256, lora.weight, factors))
    applied = sum(factors.count for _, factors in found)
    if applied < MIN_APPLIED * tensors.count:
        lost = [factors.module for factors in tensors.factors if factors.module not in weights]
        raise LoraError(
            f'The LoRA "{lora.name}" was made for another kind of model: only {applied} of its {tensors.count} tensors '
            f"fit this one{f', which has no {lost[0]}' if lost else ''}. Leave it out, or choose the model it is for."
        )
    return msgspec.structs.replace(lora, applied=round(applied / tensors.count, 4))


def _check_shape(name: str, parameter: Parameter, factors: Factors) -> None:
    shape = (parameter.shape[0], parameter.shape[1:].numel())
    if factors.shape != shape:
        raise LoraError(
            f'The LoRA "{name}" was made for another kind of model: its layer {factors.module} is '
            f"{factors.shape[0]}x{factors.shape[1]}, but here {shape[0]}x{shape[1]}."
        )
    if factors.magnitude is not None and factors.magnitude.numel() != parameter.shape[factors.magnitude_axis]:
        raise LoraError(f'The LoRA "{name}" is damaged: the magnitude of {factors.module} does not fit its factors.')


# ---------------------------------------------------------------- writing


@torch.no_grad()
def _write(model: Model, changes: _Changes) -> None:
    """Give each weight the bits that these changes make of its pristine ones."""
    model.mix = None  # unknown until all is written
    for parameter in model.merged.keys() - changes.keys():
        parameter.copy_(model.merged.pop(parameter).pristine)
    for parameter, added in changes.items():
        recipe = tuple((change.sha256, change.strength) for change in added)
        merged = model.merged.get(parameter)
        if merged is None or merged.recipe != recipe:
            pristine = parameter.clone() if merged is None else merged.pristine
            parameter.copy_(_sum(pristine, added, model.device))
            model.merged[parameter] = Merged(pristine, recipe)
    model.text_mix = frozenset(
        model.merged[parameter].recipe for parameter in model.text_encoder.parameters() if parameter in model.merged
    )


def _sum(pristine: torch.Tensor, changes: Sequence[_Change], device: torch.device) -> torch.Tensor:
    """Return W0 plus all changes in fp32, worked out on the model's device wherever the weight lies just now."""
    weight = pristine.to(device, torch.float32, memory_format=torch.contiguous_format)
    total = weight.clone()
    for change in changes:
        total.add_(delta(change.factors, weight), alpha=change.strength)
    return total
