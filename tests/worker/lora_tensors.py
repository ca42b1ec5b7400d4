"""LoRA files of every layout from known matrices, with what each adds to each weight, worked out apart in float64."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file

from .ldm import RESNET, unet_modules

Weights = Mapping[str, torch.Tensor]
"""`unet.…` or `text_encoder.…`, as diffusers and transformers name a module, -> its pristine weight."""
Parts = dict[str, torch.Tensor]
Made = tuple[Parts, np.ndarray]
"""The factors of one weight, and their product in its shape."""
SPREAD = 0.3


class Draw:
    """The random matrices of one file; all of one rank."""

    def __init__(self, seed: int, rank: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self.rank = rank

    def __call__(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self._generator) * SPREAD


# ---------------------------------------------------------------- kinds


def lora(draw: Draw, weight: torch.Tensor) -> Made:
    """B A; for a convolution A has its kernel and B is a 1x1 one."""
    ones = (1,) * (weight.ndim - 2)
    down, up = draw(draw.rank, *weight.shape[1:]), draw(weight.shape[0], draw.rank, *ones)
    return {"down": down, "up": up}, np.einsum("or,r...->o...", wide(up.flatten(1)), wide(down))


def locon_core(draw: Draw, weight: torch.Tensor) -> Made:
    """B C A, where the core C has the kernel; a plain LoRA where there is none."""
    if weight.ndim == 2:
        return lora(draw, weight)
    rank, (outputs, inputs, *kernel) = draw.rank, weight.shape
    down, core, up = draw(rank, inputs, 1, 1), draw(rank, rank, *kernel), draw(outputs, rank, 1, 1)
    product = np.einsum("or,rshw,si->oihw", wide(up[..., 0, 0]), wide(core), wide(down[..., 0, 0]))
    return {"down": down, "mid": core, "up": up}, product


def loha(draw: Draw, weight: torch.Tensor) -> Made:
    """(B1 A1) * (B2 A2), element by element."""
    parts, product = {}, np.ones(weight.shape)
    for name in ("hada_w1", "hada_w2"):
        up, down = draw(weight.shape[0], draw.rank), draw(draw.rank, weight[0].numel())
        parts |= {f"{name}_a": up, f"{name}_b": down}
        product = product * (wide(up) @ wide(down)).reshape(weight.shape)
    return parts, product


def loha_core(draw: Draw, weight: torch.Tensor) -> Made:
    """The product of two cores that are carried to outputs and inputs; a LoHa without where there is no kernel."""
    if weight.ndim == 2:
        return loha(draw, weight)
    rank, (outputs, inputs, *kernel) = draw.rank, weight.shape
    parts, product = {}, np.ones(weight.shape)
    for number in (1, 2):
        core, up, down = draw(rank, rank, *kernel), draw(rank, outputs), draw(rank, inputs)
        parts |= {f"hada_t{number}": core, f"hada_w{number}_a": up, f"hada_w{number}_b": down}
        product = product * np.einsum("rshw,ro,si->oihw", wide(core), wide(up), wide(down))
    return parts, product


def lokr(draw: Draw, weight: torch.Tensor) -> Made:
    """kron(C, D), both whole."""
    outputs, inputs, *kernel = weight.shape
    left, right = draw(4, 2), draw(outputs // 4, inputs // 2, *kernel)
    return {"lokr_w1": left, "lokr_w2": right}, kron(wide(left), wide(right), weight)


def lokr_split(draw: Draw, weight: torch.Tensor) -> Made:
    """kron(C, B A)."""
    left, up, down = draw(2, 4), draw(weight.shape[0] // 2, draw.rank), draw(draw.rank, weight[0].numel() // 4)
    parts = {"lokr_w1": left, "lokr_w2_a": up, "lokr_w2_b": down}
    return parts, kron(wide(left), wide(up) @ wide(down), weight)


def lokr_both(draw: Draw, weight: torch.Tensor) -> Made:
    """kron(B1 A1, B2 A2)."""
    parts, _ = lokr_split(draw, weight)
    up, down = draw(2, draw.rank), draw(draw.rank, 4)
    del parts["lokr_w1"]
    right = wide(parts["lokr_w2_a"]) @ wide(parts["lokr_w2_b"])
    return {"lokr_w1_a": up, "lokr_w1_b": down, **parts}, kron(wide(up) @ wide(down), right, weight)


def lokr_core(draw: Draw, weight: torch.Tensor) -> Made:
    """kron(C, a core that is carried to outputs and inputs); a LoKr without where there is no kernel."""
    if weight.ndim == 2:
        return lokr_split(draw, weight)
    rank, (outputs, inputs, *kernel) = draw.rank, weight.shape
    left, core, up, down = draw(4, 2), draw(rank, rank, *kernel), draw(rank, outputs // 4), draw(rank, inputs // 2)
    right = np.einsum("rshw,ro,si->oihw", wide(core), wide(up), wide(down))
    parts = {"lokr_w1": left, "lokr_t2": core, "lokr_w2_a": up, "lokr_w2_b": down}
    return parts, kron(wide(left), right, weight)


def kron(left: np.ndarray, right: np.ndarray, weight: torch.Tensor) -> np.ndarray:
    """Return the Kronecker product over outputs and inputs; the kernel, if any, is the right side's."""
    outputs, inputs = left.shape
    right = right.reshape(weight.shape[0] // outputs, weight.shape[1] // inputs, *weight.shape[2:])
    return np.einsum("ab,cd...->acbd...", left, right).reshape(weight.shape)


def wide(tensor: torch.Tensor) -> np.ndarray:
    return tensor.numpy().astype(np.float64)


# ---------------------------------------------------------------- layouts: what the factors are called


def kohya(module: str) -> str:
    part, _, path = module.partition(".")
    flat = path.replace(".", "_")
    return f"lora_unet_{flat}" if part == "unet" else f"lora_te_text_model_{flat}"


def kohya_sai(module: str) -> str:
    """Return the name by SD 1's original code, for a UNet of 4 levels with 2 layers each."""
    path = module.removeprefix("unet.")
    if path == module:
        return kohya(module)
    moved = unet_modules(4, 2)
    old = next(old for old in moved if f"{path}.".startswith(f"{old}."))
    rest = path.removeprefix(old).removeprefix(".")
    new = ".".join(filter(None, (moved[old], RESNET.get(rest, rest))))
    return f"lora_unet_{new.replace('.', '_')}"


def dotted(module: str) -> str:
    return module.replace("text_encoder.", "text_encoder.text_model.")


def processor(module: str) -> str:
    """Return the name of diffusers before 0.19, for attention alone: its processors held the factors."""
    before, _, last = dotted(module).removesuffix(".0").rpartition(".")
    return f"{before}.to_{last.removesuffix('_proj')}" if last.endswith("_proj") else f"{before}.processor.{last}"


class Layout(NamedTuple):
    """How a kind of LoRA is written: the module's name, the ending of each part, whether an alpha stands beside."""

    make: Callable[[Draw, torch.Tensor], Made]
    name: Callable[[str], str]
    endings: Mapping[str, str] = {}
    alpha: bool = True
    magnitude: str = ""

    def key(self, module: str, part: str) -> str:
        """Return a tensor's name. Processors joined theirs with `_`, and diffusers' text encoders had their own."""
        ending = self.endings.get(part, part)
        if self.name is processor:
            return f"{processor(module)}_{ending}"
        if module.startswith("text_encoder.") and ending.startswith("lora."):
            ending = ending.replace("lora.", "lora_linear_layer.")
        return f"{self.name(module)}.{ending}"


KOHYA = {"down": "lora_down.weight", "mid": "lora_mid.weight", "up": "lora_up.weight"}
PEFT = {"down": "lora_A.weight", "up": "lora_B.weight"}
LAYOUTS = {
    "kohya": Layout(lora, kohya, KOHYA),
    "kohya-sai": Layout(lora, kohya_sai, KOHYA),
    "diffusers": Layout(lora, dotted, {"down": "lora.down.weight", "up": "lora.up.weight"}, alpha=False),
    "diffusers-old": Layout(lora, processor, {"down": "lora.down.weight", "up": "lora.up.weight"}, alpha=False),
    "peft": Layout(lora, dotted, PEFT, alpha=False),
    "peft-model": Layout(
        lora,
        lambda module: f"base_model.model.{dotted(module)}",
        {"down": "lora_A.default.weight", "up": "lora_B.default.weight"},
        alpha=False,
    ),
    "locon-core": Layout(locon_core, kohya, KOHYA),
    "loha": Layout(loha, kohya),
    "loha-core": Layout(loha_core, kohya),
    "lokr": Layout(lokr, kohya),
    "lokr-split": Layout(lokr_split, kohya),
    "lokr-both": Layout(lokr_both, kohya),
    "lokr-core": Layout(lokr_core, kohya),
    "dora": Layout(lora, kohya, KOHYA, magnitude="dora_scale"),
    "dora-inputs": Layout(lora, kohya, KOHYA, magnitude="dora_scale of inputs"),
    "dora-loha": Layout(loha, kohya, magnitude="dora_scale"),
    "dora-peft": Layout(lora, dotted, PEFT, alpha=False, magnitude="lora_magnitude_vector.weight"),
}
"""A LoKr of two whole factors has no rank, and an alpha beside it would mean nothing."""


def write_layout(  # noqa: PLR0913 - what a file may differ in
    path: Path, layout: str, weights: Weights, *, seed: int = 1, rank: int = 4, alpha: float | None = None
) -> dict[str, torch.Tensor]:
    """Write a file; return what it adds to each weight at strength 1, in float64. Without alpha it says no scale."""
    how, draw = LAYOUTS[layout], Draw(seed, rank)
    tensors: Parts = {}
    deltas: dict[str, torch.Tensor] = {}
    for module, weight in weights.items():
        parts, product = how.make(draw, weight)
        scale = 1.0 if alpha is None or how.make is lokr else alpha / rank
        delta = scale * torch.from_numpy(product)
        if how.alpha and alpha is not None:
            parts["alpha"] = torch.tensor(alpha)
        if how.magnitude:
            magnitude, delta = _dora(draw, weight.double(), delta, how.magnitude)
            parts[how.magnitude.partition(" ")[0]] = magnitude
        tensors |= {how.key(module, part): tensor for part, tensor in parts.items()}
        deltas[module] = delta
    save_file(tensors, path, {} if how.alpha or alpha is None else _metadata(alpha))
    return deltas


def _metadata(alpha: float) -> dict[str, str]:
    """Return the scale as diffusers writes it."""
    adapter = {"unet.lora_alpha": alpha, "text_encoder.lora_alpha": alpha}
    return {"lora_adapter_metadata": json.dumps(adapter)}


def _dora(draw: Draw, weight: torch.Tensor, delta: torch.Tensor, form: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a magnitude near the weight's own as the layout has its shape, and what is added with it."""
    axis = 1 if form.endswith("inputs") else 0
    others = [other for other in range(weight.ndim) if other != axis]
    magnitude = (norms(weight, others) * (1 + draw(weight.shape[axis])).abs().view(*_along(weight, axis))).float()
    added = (weight + delta) * magnitude / norms(weight + delta, others) - weight
    if not form.startswith("lora_"):
        return magnitude, added
    return (magnitude.flatten() if weight.ndim == 2 else magnitude.transpose(0, 1).contiguous()), added


def norms(weight: torch.Tensor, axes: list[int]) -> torch.Tensor:
    return weight.pow(2).sum(axes, keepdim=True).sqrt()


def _along(weight: torch.Tensor, axis: int) -> list[int]:
    return [-1 if other == axis else 1 for other in range(weight.ndim)]
