"""Writes a trained LoRA as other programs read it: kohya's tensor names, fp16, the metadata of sd-scripts."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch import Tensor


@dataclass(frozen=True)
class About:
    """What the header tells: the LoRA's name, trigger words, rank and how many pictures it learnt from."""

    name: str
    trigger: str
    rank: int
    pictures: int

    @property
    def metadata(self) -> dict[str, str]:
        """The header's metadata."""
        return {
            "ss_network_module": "networks.lora",
            "ss_network_dim": str(self.rank),
            "ss_network_alpha": str(self.rank),
            "ss_output_name": self.name,
            "ss_num_train_images": str(self.pictures),
            "ss_tag_frequency": json.dumps({self.name: {self.trigger: self.pictures}}),
            "modelspec.title": self.name,
            "modelspec.trigger_phrase": self.trigger,
            "modelspec.license": "MIT",
        }


def tensors(layers: dict[str, LoraLayer], rank: int) -> dict[str, Tensor]:
    """Kohya's names for the matrices of `layers`, by UNet module path: down [r, ...], up [..., r] and alpha []."""
    named: dict[str, Tensor] = {}
    for path, layer in layers.items():
        stem = "lora_unet_" + path.replace(".", "_")
        named[f"{stem}.lora_down.weight"] = layer.lora_A["default"].weight.detach().half().contiguous()
        named[f"{stem}.lora_up.weight"] = layer.lora_B["default"].weight.detach().half().contiguous()
        named[f"{stem}.alpha"] = torch.tensor(float(rank))
    return named


def write(target: Path, layers: dict[str, LoraLayer], about: About) -> None:
    """Writes the file whole or not at all."""
    unfinished = target.with_suffix(".part")
    save_file(tensors(layers, about.rank), unfinished, about.metadata)
    unfinished.chmod(0o644)  # safetensors files are born private; these are for every user
    unfinished.rename(target)
