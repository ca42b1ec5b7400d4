"""Write a diffusers model under the names of CompVis' original code: the reverse of diffusers' conversion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_RENAMES = (("conv_shortcut", "nin_shortcut"), ("group_norm", "norm"), ("to_out.0", "proj_out"))


def checkpoint_of(model: Any) -> dict[str, torch.Tensor]:
    """Return all weights of a model as one SD 1.x checkpoint."""
    unet = {f"model.diffusion_model.{name}": value for name, value in _unet(model.unet)}
    vae = {f"first_stage_model.{name}": value for name, value in _vae(model.vae)}
    prefix = "cond_stage_model.transformer.text_model"
    text = {f"{prefix}.{name}": value for name, value in model.text_encoder.state_dict().items()}
    ids = {f"{prefix}.embeddings.position_ids": torch.arange(77)[None]}
    return {name: value.contiguous().clone() for name, value in (unet | vae | text | ids).items()}


def _unet(unet: Any) -> Iterator[tuple[str, torch.Tensor]]:
    moved = unet_modules(len(unet.config.block_out_channels), unet.config.layers_per_block)
    for name, value in unet.state_dict().items():
        old = next(old for old in moved if name.startswith(old + "."))
        rest = name.removeprefix(old + ".")
        if ".resnets." in old:
            part, _, leaf = rest.partition(".")
            rest = f"{RESNET[part]}.{leaf}"
        yield f"{moved[old]}.{rest}", value


def unet_modules(levels: int, layers: int) -> dict[str, str]:
    moved = {
        "conv_in": "input_blocks.0.0",
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
        "mid_block.resnets.0": "middle_block.0",
        "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
    }
    block = 1
    for level in range(levels):
        for layer in range(layers):
            moved[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{block}.0"
            moved[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{block}.1"
            block += 1
        moved[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{block}.0.op"
        block += level < levels - 1
    for number in range(levels * (layers + 1)):
        level, layer = divmod(number, layers + 1)
        moved[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{number}.0"
        moved[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{number}.1"
        moved[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{number}.{1 if level == 0 else 2}.conv"
    return moved


def _vae(vae: Any) -> Iterator[tuple[str, torch.Tensor]]:
    last = len(vae.config.block_out_channels) - 1
    for name, value in vae.state_dict().items():
        is_projection = "attentions" in name and name.endswith("weight") and value.ndim == 2
        yield _vae_name(name, last), value[:, :, None, None] if is_projection else value


def _vae_name(name: str, last: int) -> str:
    for old, new in VAE_RENAMES:
        name = name.replace(old, new)
    name = name.replace("conv_norm_out", "norm_out").replace("attentions.0", "attn_1")
    for side in ("q", "k", "v"):
        name = name.replace(f"to_{side}.", f"{side}.")
    name = name.replace("mid_block.resnets.0", "mid.block_1").replace("mid_block.resnets.1", "mid.block_2")
    name = name.replace("mid_block", "mid")
    for level in range(last + 1):
        name = name.replace(f"down_blocks.{level}.", f"down.{level}.")
        name = name.replace(f"up_blocks.{level}.", f"up.{last - level}.")
    name = name.replace("resnets.", "block.")
    return name.replace("downsamplers.0.", "downsample.").replace("upsamplers.0.", "upsample.")
