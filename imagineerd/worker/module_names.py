"""The names that LoRA files give the modules of a UNet and a text encoder.

Each module has one name from diffusers (`unet_down_blocks_0_attentions_0_…`) and, in the UNet, one from Stability's
original code (`unet_input_blocks_1_1_…`), as `lora.names.module_name` returns them. Either may stand without its
prefix, as PEFT saves a model alone; ComfyUI's prefix is `diffusion_model_`.
Source of the second names: `openaimodel.py` in CompVis/stable-diffusion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch

_UNET_PREFIXES = ("unet_", "diffusion_model_", "model_diffusion_model_", "")
_TEXT_PREFIXES = ("text_encoder_", "text_model_")
_RESNET = {
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_FIXED = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
}
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")
_LAYER = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)")
_SAMPLER = re.compile(r"(down|up)_blocks\.(\d+)\.(?:down|up)samplers\.0\.conv")


def weights_by_name(unet: Any, text_encoder: Any) -> dict[str, torch.nn.Parameter]:
    """Map every name of every linear and convolutional module to its weight."""
    named: dict[str, torch.nn.Parameter] = {}
    for path, weight in _weights(text_encoder):
        # transformers 5.6 dropped the wrapper `text_model`, which LoRA files still name.
        flat = path.removeprefix("text_model.").replace(".", "_")
        named |= {prefix + flat: weight for prefix in _TEXT_PREFIXES}
    for path, weight in _weights(unet):
        flats = [name.replace(".", "_") for name in (path, *original_names(path, unet.config.layers_per_block))]
        named |= {prefix + flat: weight for prefix in _UNET_PREFIXES for flat in flats}
    return named


def original_names(path: str, layers: int) -> tuple[str, ...]:
    """Return what a UNet's module may be called in the original code; nothing for what has no weights there.

    `layers` is the number of resnets at each level on the way down; on the way up there is one more.
    """
    if path in _FIXED:
        return (_FIXED[path],)
    if found := _MIDDLE.fullmatch(path):
        kind, number, inner = found.groups()
        return (f"middle_block.{1 if kind == 'attentions' else 2 * int(number)}.{_RESNET.get(inner, inner)}",)
    if found := _LAYER.fullmatch(path):
        side, level, kind, number, inner = found.groups()
        block = int(level) * (layers + 1) + int(number)
        place = f"input_blocks.{block + 1}" if side == "down" else f"output_blocks.{block}"
        return (f"{place}.{int(kind == 'attentions')}.{_RESNET.get(inner, inner)}",)
    if found := _SAMPLER.fullmatch(path):
        last = (int(found[2]) + 1) * (layers + 1)
        # The way up ends a level with its sampler, which comes after an attention only where there is one.
        ups = tuple(f"output_blocks.{last - 1}.{place}.conv" for place in (1, 2))
        return (f"input_blocks.{last}.0.op",) if found[1] == "down" else ups
    return ()


def _weights(part: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    for path, module in part.named_modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) and isinstance(module.weight, torch.nn.Parameter):
            yield path, module.weight
