"""Apply a mix of LoRAs to a model by merging, and take it back bit for bit.

W = cast(fp32(W0) + sum_i w_i * (alpha_i / r_i) * B_i A_i), written in place; W0 is kept for every weight that is
touched (LoRA: arXiv 2106.09685; convolutions as in LyCORIS' LoCon, arXiv 2309.14859). There is no "subtract again": a
mix goes by copying W0 back, so that no rounding adds up and a broken LoRA leaves no trace. All LoRAs of a mix are read
and checked before the first weight is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from imagineerd.errors import LoraError
from imagineerd.fingerprint import file_sha256
from imagineerd.lora.header import read_header
from imagineerd.worker.lora_layouts import Factors, read_lora
from imagineerd.worker.models import Model

Parameter = torch.nn.Parameter


class Applied(msgspec.Struct, frozen=True):
    """One LoRA of the mix that is in the weights. `autov3` hashes the tensors alone, as A1111 names LoRAs."""

    name: str
    weight: float
    sha256: str
    autov3: str


@dataclass(frozen=True)
class _Change:
    """What one LoRA adds to one weight: factor * up @ down."""

    factor: float
    factors: Factors


def apply_mix(model: Model, loras: Sequence[tuple[str, str, float]]) -> tuple[Applied, ...]:
    """Bring the model from whatever mix it holds to `loras`: (name, path, weight), weights any number.

    Raises `LoraError`, with the pristine model left behind, where a file cannot be read or does not fit.
    """
    mix = tuple(_applied(name, Path(path), weight) for name, path, weight in loras)
    if mix == model.mix:
        return mix
    restore(model)
    changes = _changes(model, loras)
    for parameter, wanted in changes.items():
        model.pristine[parameter] = parameter.detach().clone()
        parameter.data.copy_(_merged(parameter, wanted))
    model.mix = mix
    return mix


def restore(model: Model) -> None:
    """Give every touched weight its pristine bits back."""
    for parameter, pristine in model.pristine.items():
        parameter.data.copy_(pristine)
    model.pristine.clear()
    model.prompts.clear()
    model.mix = ()


def _applied(name: str, path: Path, weight: float) -> Applied:
    start = read_header(path).data_start
    try:
        return Applied(name, weight, file_sha256(path), file_sha256(path, skip=start))
    except OSError as error:
        raise LoraError(f'The LoRA "{name}" cannot be read: {error.strerror}.') from error


def _changes(model: Model, loras: Iterable[tuple[str, str, float]]) -> dict[Parameter, list[_Change]]:
    """Collect what is to be added to each weight, in the order of the mix. Raises `LoraError`."""
    find = _finder(model)
    changes: dict[Parameter, list[_Change]] = {}
    for name, path, weight in loras:
        found = [(find(factors.module), factors) for factors in read_lora(name, Path(path))]
        _check_all_found(name, found)
        for parameter, factors in found:
            if parameter is None or weight == 0:
                continue
            _check_shape(name, parameter, factors)
            change = _Change(weight * factors.scale, factors)
            changes.setdefault(parameter, []).append(change)
    return changes


def _finder(model: Model) -> Callable[[str], Parameter | None]:
    """Return a function from a module's flat name (`unet_down_blocks_0_…`) to its weight."""
    weights: dict[str, Parameter] = {}
    for prefix, part in (("unet", model.unet), ("text_encoder", model.text_encoder)):
        for name, module in part.named_modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, Parameter):
                # transformers 5.6 dropped the wrapper `text_model`, which every LoRA file still names.
                flat = name.removeprefix("text_model.").replace(".", "_")
                weights[f"{prefix}_{flat}"] = weight
    return weights.get


def _merged(parameter: Parameter, changes: Sequence[_Change]) -> torch.Tensor:
    """Return W0 plus all changes, summed in fp32 on the parameter's device."""
    total = parameter.detach().to(torch.float32, copy=True)
    for change in changes:
        total += change.factor * _product(change.factors, parameter)
    return total


def _product(factors: Factors, parameter: Parameter) -> torch.Tensor:
    """Return B A in the shape of the weight: [out, in] or [out, in, kh, kw]."""
    down = factors.down.to(parameter.device, torch.float32)
    up = factors.up.to(parameter.device, torch.float32)
    flat = up.flatten(1) @ down.flatten(1)
    return flat.reshape(parameter.shape)


def _check_all_found(name: str, found: Sequence[tuple[Parameter | None, Factors]]) -> None:
    lost = [factors.module for parameter, factors in found if parameter is None]
    if lost:
        raise LoraError(
            f'The LoRA "{name}" was made for another kind of model: {len(lost)} of its {len(found)} layers are not in '
            f"this one, first {lost[0]}."
        )


def _check_shape(name: str, parameter: Parameter, factors: Factors) -> None:
    outputs, inputs = parameter.shape[0], parameter.shape[1:].numel()
    fits = factors.up.shape[0] == outputs and factors.down[0].numel() == inputs
    if not fits:
        made_for = f"{factors.up.shape[0]}x{factors.down[0].numel()}"
        raise LoraError(
            f'The LoRA "{name}" was made for another kind of model: its layer {factors.module} is {made_for}, '
            f"but here {outputs}x{inputs}."
        )
