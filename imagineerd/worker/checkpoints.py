"""Load a Stable Diffusion 1.x checkpoint: one `.safetensors` file in the layout of CompVis' original code (LDM).

Such a file holds weights only. The parts' shapes are those of SD 1.x (below); the tokenizer comes from beside the
file or from the hub cache. diffusers' own `from_single_file` would ask the hub for both; its key conversion is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from imagineerd.errors import ModelError
from imagineerd.models import tokenizer_for_checkpoint

__all__ = ["SD15", "SafetensorError", "load"]

SD15: Mapping[str, dict[str, Any]] = {
    "unet": {"sample_size": 64, "cross_attention_dim": 768},
    "vae": {
        "sample_size": 512,
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "scaling_factor": 0.18215,
    },
    "text_encoder": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "projection_dim": 768,
        "vocab_size": 49408,
        "hidden_act": "quick_gelu",
    },
    "scheduler": {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "clip_sample": False,
    },
}
"""The configs of stable-diffusion-v1-5 where they differ from the classes' defaults."""

_TEXT_PREFIX = "cond_stage_model.transformer."
_CROSS_ATTENTION = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"


def load(
    path: Path,
    dtype: torch.dtype,
    cache_dir: Path | None,
    configs: Mapping[str, dict[str, Any]] = SD15,
) -> dict[str, Any]:
    """Return tokenizer, text_encoder, unet, vae and scheduler_config of a checkpoint, on the CPU.

    Raises `ModelError` where it is no SD 1.x checkpoint or no tokenizer is at hand, `SafetensorError` where it is
    damaged.
    """
    tokenizer = _tokenizer(path, cache_dir)
    weights = load_file(path)
    _check_family(path, weights, configs["unet"]["cross_attention_dim"])
    with torch.device("meta"):
        unet = UNet2DConditionModel(**configs["unet"])
        vae = AutoencoderKL(**configs["vae"])
        text_encoder = CLIPTextModel(CLIPTextConfig(**configs["text_encoder"]))
    return {
        "tokenizer": tokenizer,
        "text_encoder": _fill(path, text_encoder, _text_weights(weights, text_encoder), dtype),
        "unet": _fill(path, unet, convert_ldm_unet_checkpoint(weights, dict(unet.config)), dtype),
        "vae": _fill(path, vae, convert_ldm_vae_checkpoint(weights, dict(vae.config)), dtype),
        "scheduler_config": dict(configs["scheduler"]),
    }


def _tokenizer(path: Path, cache_dir: Path | None) -> Any:
    folder = tokenizer_for_checkpoint(path, cache_dir)
    if folder is None:
        raise ModelError(
            f"{path.name} holds no tokenizer, and none is on this machine: put CLIP's vocab.json and merges.txt into "
            f"a folder named tokenizer beside it, or download a Stable Diffusion 1.5 model once."
        )
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def _check_family(path: Path, weights: Mapping[str, torch.Tensor], width: int) -> None:
    key = weights.get(_CROSS_ATTENTION)
    has_text = any(name.startswith(_TEXT_PREFIX) for name in weights)
    if key is None or key.shape[-1] != width or not has_text:
        raise ModelError(
            f"{path.name} is no complete Stable Diffusion 1.x checkpoint (text encoder, UNet and VAE in one file); "
            "other families are not supported."
        )


def _text_weights(weights: Mapping[str, torch.Tensor], model: Any) -> dict[str, torch.Tensor]:
    """Return the text encoder's weights under this transformers version's names (flat since 5.6)."""
    converted = convert_ldm_clip_checkpoint(weights)
    if not hasattr(model, "text_model"):
        converted = {name.removeprefix("text_model."): value for name, value in converted.items()}
    return {name: value for name, value in converted.items() if not name.endswith("position_ids")}


def _fill(path: Path, model: Any, weights: Mapping[str, torch.Tensor], dtype: torch.dtype) -> Any:
    """Put the weights in the place of the empty ones; each must be there, with its shape."""
    cast = {name: value.to(dtype).contiguous() for name, value in weights.items()}
    missing = model.load_state_dict(cast, strict=False, assign=True).missing_keys
    if missing:
        raise ModelError(f"{path.name} lacks {len(missing)} weights of the model, first {missing[0]}.")
    _materialise_buffers(model)
    return model


def _materialise_buffers(model: Any) -> None:
    """Give the text encoder's position ids, which are in no file, their values."""
    for module in model.modules():
        ids = getattr(module, "position_ids", None)
        if isinstance(ids, torch.Tensor) and ids.is_meta:
            module.position_ids = torch.arange(ids.shape[-1]).expand(1, -1)
