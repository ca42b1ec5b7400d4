"""Read a LoRA file into low-rank factors per module, whichever program wrote it.

Layouts (`M` a module of the UNet or the text encoder):

- kohya: `lora_unet_M.lora_down.weight`, `.lora_up.weight`, `.alpha`, with `_` for `.` in M; text `lora_te_M`, also
  `lora_te1_M`
- diffusers: `unet.M.lora.down.weight`, text `text_encoder.M.lora_linear_layer.down.weight`, formerly
  `unet.….processor.to_q_lora.down.weight`
- PEFT: `unet.M.lora_A.weight` (also behind `base_model.model.`)

Modules are named here in one way: `unet_…` or `text_encoder_…` with `_` for `.` and without `text_model_`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from imagineerd.errors import LoraError
from imagineerd.loras import read_header

_ENDINGS = (
    (re.compile(r"\.lora_down\.weight$|\.lora(_linear_layer)?\.down\.weight$"), "down"),
    (re.compile(r"\.lora_up\.weight$|\.lora(_linear_layer)?\.up\.weight$"), "up"),
    (re.compile(r"\.lora_A(\.default)?\.weight$"), "down"),
    (re.compile(r"\.lora_B(\.default)?\.weight$"), "up"),
    (re.compile(r"_lora\.down\.weight$"), "down"),
    (re.compile(r"_lora\.up\.weight$"), "up"),
    (re.compile(r"\.alpha$"), "alpha"),
)
_OTHER_KINDS = {"hada_": "a LoHa", "lokr_": "a LoKr", "dora_scale": "a DoRA", "lora_mid": "a CP-decomposed LoCon"}


@dataclass(frozen=True)
class Factors:
    """The change of one weight: scale * up @ down; scale = alpha / r, down [r, in(, kh, kw)], up [out, r(, 1, 1)]."""

    module: str
    down: torch.Tensor
    up: torch.Tensor
    scale: float


def read_lora(name: str, path: Path) -> list[Factors]:
    """Return the factors of every module that the file changes, by module. Raises `LoraError`."""
    header = read_header(path)
    _check_kind(name, header)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise LoraError(f'The LoRA "{name}" cannot be read: {error}.') from error
    default_alpha = _alpha_of_metadata(header)
    modules = sorted(_by_module(name, tensors).items())
    if not modules:
        raise LoraError(f'The file of the LoRA "{name}" holds no LoRA.')
    return [_factors(name, module, parts, default_alpha) for module, parts in modules]


def _check_kind(name: str, header: Mapping[str, Any]) -> None:
    for mark, kind in _OTHER_KINDS.items():
        if any(mark in key for key in header):
            raise LoraError(f'The LoRA "{name}" is {kind}; only plain LoRAs (with convolutions) are supported.')


def _by_module(name: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    modules: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        module, part = _split(name, key)
        modules.setdefault(module, {})[part] = tensor
    return modules


def _split(name: str, key: str) -> tuple[str, str]:
    """Split a tensor's name into (module, "down" | "up" | "alpha")."""
    for ending, part in _ENDINGS:
        if match := ending.search(key):
            return _module(key[: match.start()]), part
    raise LoraError(f'The LoRA "{name}" holds something that is no LoRA: {key}.')


def _module(path: str) -> str:
    """Return the one name that this file gives a module."""
    path = path.removeprefix("base_model.model.").replace(".processor.", ".")
    flat = path.replace(".", "_")
    for prefix in ("lora_te1_", "lora_te_"):
        if flat.startswith(prefix):
            flat = "text_encoder_" + flat.removeprefix(prefix)
    flat = flat.removeprefix("lora_").replace("text_encoder_text_model_", "text_encoder_", 1)
    return flat + "_0" if flat.endswith("_to_out") else flat


def _factors(name: str, module: str, parts: Mapping[str, torch.Tensor], default_alpha: float | None) -> Factors:
    down, up = parts.get("down"), parts.get("up")
    if down is None or up is None or not _fit(down, up):
        raise LoraError(f'The LoRA "{name}" is damaged: the factors of {module} do not fit together.')
    if not (bool(torch.isfinite(down).all()) and bool(torch.isfinite(up).all())):
        raise LoraError(f'The LoRA "{name}" is damaged: {module} holds NaN or infinity.')
    rank = down.shape[0]
    alpha = float(parts["alpha"]) if "alpha" in parts else default_alpha
    return Factors(module, down, up, 1.0 if alpha is None else alpha / rank)


def _fit(down: torch.Tensor, up: torch.Tensor) -> bool:
    """Say whether up @ down is defined: two matrices, or a convolution before a 1x1 one."""
    matrices = down.ndim in {2, 4} and up.ndim in {2, 4} and up[0].numel() == up.shape[1]
    return matrices and up.shape[1] == down.shape[0]


def _alpha_of_metadata(header: Mapping[str, Any]) -> float | None:
    """Return the UNet's alpha from the metadata that diffusers >= 0.35 writes; None where it does not say."""
    text = header.get("__metadata__", {}).get("lora_adapter_metadata")
    if not text:
        return None
    alpha = json.loads(text).get("unet.lora_alpha")
    return None if alpha is None else float(alpha)
