"""The models that are measured: the starter model, and SD 1.5's shape with random weights that are made here.

What a card costs is counted, not measured: `flops_of` runs the parts on the meta device.
"""

from __future__ import annotations

import functools
import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

STARTER = Path(__file__).resolve().parents[2] / "imagineerd" / "starter" / "model"
RANK = 32
SD15: dict[str, dict[str, Any]] = {
    "unet": {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "vae": {
        "sample_size": 512,
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
    },
    "text_encoder": {
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "projection_dim": 768,
        "bos_token_id": 49406,
        "eos_token_id": 49407,
    },
    "scheduler": {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1},
}
"""stable-diffusion-v1-5's own configuration where it differs from the classes' defaults."""


def build(folder: Path, shape: dict[str, dict[str, Any]], device: torch.device, dtype: torch.dtype) -> Path:
    """Write a model folder of this shape; the weights are drawn on the device."""
    torch.manual_seed(0)
    with torch.device(device):
        parts = {
            "unet": UNet2DConditionModel(**shape["unet"]),
            "vae": AutoencoderKL(**shape["vae"]),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**shape["text_encoder"])),
        }
    for name, part in parts.items():
        part.to(dtype).save_pretrained(folder / name)
    DPMSolverMultistepScheduler(**shape["scheduler"]).save_pretrained(folder / "scheduler")
    shutil.copytree(STARTER / "tokenizer", folder / "tokenizer")
    shutil.copy(STARTER / "model_index.json", folder)
    return folder


def write_loras(folder: Path, model: Path) -> list[tuple[str, str, float]]:
    """Write two LoRAs of what kohya's trainer changes by default in a model; return (name, path, weight) of each."""
    mix = []
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(_config(model / "unet"))
    for seed, weight in ((1, 0.6), (2, 0.4)):
        generator = torch.Generator().manual_seed(seed)
        path = folder / f"lora{seed}.safetensors"
        tensors = {}
        for name, module in unet.named_modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and "attentions" in name:
                ones = (1,) * (module.weight.ndim - 2)
                key = f"lora_unet_{name.replace('.', '_')}"
                down = torch.randn(RANK, module.weight.shape[1], *ones, generator=generator) / 100
                up = torch.randn(module.weight.shape[0], RANK, *ones, generator=generator) / 100
                tensors |= {f"{key}.lora_down.weight": down.half(), f"{key}.lora_up.weight": up.half()}
                tensors[f"{key}.alpha"] = torch.tensor(RANK / 2)
        save_file(tensors, path)
        mix.append((path.stem, str(path), weight))
    return mix


@functools.cache
def flops_of(folder: Path, width: int, height: int) -> tuple[float, float]:
    """Return the FLOP of a UNet call for one picture with guidance, and of its decode; 2 for a multiply-add."""
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(_config(folder / "unet"))
        vae = AutoencoderKL.from_config(_config(folder / "vae"))
        latents = torch.empty(2, 4, height // 8, width // 8)
        text = torch.empty(2, 77, unet.config.cross_attention_dim)
        with FlopCounterMode(display=False) as of_unet:
            unet(latents, torch.empty((), dtype=torch.int64), encoder_hidden_states=text)
        with FlopCounterMode(display=False) as of_vae:
            vae.decode(latents[:1])
    return float(of_unet.get_total_flops()), float(of_vae.get_total_flops())


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return the FLOP a second of a large matrix product, the best of some runs."""
    side = 8192 if device.type == "cuda" else 1024
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / min(seconds_of(device, lambda: one @ other, runs=10))


def seconds_of(device: torch.device, work: Any, runs: int) -> list[float]:
    """Return the seconds of each run, after one that does not count."""

    def synchronize() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    found = []
    for _ in range(runs + 1):
        synchronize()
        began = time.perf_counter()
        work()
        synchronize()
        found.append(time.perf_counter() - began)
    return found[1:]


def _config(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "config.json").read_text()))
