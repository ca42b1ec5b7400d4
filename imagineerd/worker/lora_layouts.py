"""Read a LoRA file into low-rank factors per module, whichever program wrote it (`lora.names` lists the layouts)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from imagineerd.errors import LoraError
from imagineerd.lora.facts import adapter_alpha
from imagineerd.lora.header import read_header
from imagineerd.lora.names import module_name, read_name, why_not_plain


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
    if reason := why_not_plain(header.tensors):
        raise LoraError(f'The LoRA "{name}" {reason}.')
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise LoraError(f'The LoRA "{name}" cannot be read: {error}.') from error
    default_alpha = adapter_alpha(header.metadata)
    modules = sorted(_by_module(tensors).items())
    if not modules:
        raise LoraError(f'The file of the LoRA "{name}" holds no LoRA.')
    return [_factors(name, module, parts, default_alpha) for module, parts in modules]


def _by_module(tensors: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    modules: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        name = read_name(key)
        modules.setdefault(module_name(name.path), {})[name.part] = tensor
    return modules


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
