"""LoRA files of every layout from names and shapes alone: the tensors are holes full of zeros."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

Shapes = Mapping[str, tuple[int, ...]]
BYTES = 2
"""Of one fp16 number."""
SD1_LEVELS = ((320, "down_blocks_0"), (640, "down_blocks_1"), (1280, "down_blocks_2"), (640, "up_blocks_2"))


def header_text(shapes: Shapes, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the JSON of a header, as the safetensors library writes it, whose tensors lie one behind the other."""
    entries: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    offset = 0
    for name, shape in shapes.items():
        end = offset + BYTES * math.prod(shape)
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    return json.dumps(entries, separators=(",", ":")).encode()


def data_bytes(shapes: Shapes) -> int:
    """Return how many bytes the tensors take."""
    return sum(BYTES * math.prod(shape) for shape in shapes.values())


def write_lora(path: Path, shapes: Shapes, metadata: Mapping[str, str] | None = None) -> Path:
    """Write a whole safetensors file without writing its tensors."""
    text = header_text(shapes, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + data_bytes(shapes))
    return path


def pair(module: str, inputs: int, outputs: int, rank: int = 4, form: str = "kohya") -> dict[str, tuple[int, ...]]:
    """Return the two factors of one module, as a layout names them."""
    down, up = {
        "kohya": (".lora_down.weight", ".lora_up.weight"),
        "diffusers": (".lora.down.weight", ".lora.up.weight"),
        "diffusers-text": (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
        "diffusers-old": ("_lora.down.weight", "_lora.up.weight"),
        "peft": (".lora_A.weight", ".lora_B.weight"),
        "peft-default": (".lora_A.default.weight", ".lora_B.default.weight"),
        "loha": (".hada_w1_b", ".hada_w1_a"),
    }[form]
    return {f"{module}{down}": (rank, inputs), f"{module}{up}": (outputs, rank)}


def cross_attention(width: int, form: str = "kohya", rank: int = 4) -> dict[str, tuple[int, ...]]:
    """Return the factors of one cross-attention key, whose inputs tell the base."""
    flat = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    dotted = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
    modules = {
        "kohya": flat,
        "loha": flat,
        "diffusers-old": dotted.replace("to_k", "processor.to_k"),
        "peft-default": f"base_model.model.{dotted}",
    }
    return pair(modules.get(form, dotted), width, 640, rank, form)


def whole_sd1(rank: int = 16) -> dict[str, tuple[int, ...]]:
    """Return all 264 modules of a kohya LoRA for Stable Diffusion 1.5 (UNet and text encoder), with their alphas."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number in range(264):
        width, block = SD1_LEVELS[number % len(SD1_LEVELS)]
        text = number < 72
        name = f"te_text_model_encoder_layers_{number // 6}_self_attn_" if text else f"unet_{block}_attentions_0_"
        kinds = ("q_proj", "k_proj", "v_proj") if text else ("attn1_to_q", "attn2_to_k", "ff_net_2")
        kind = kinds[number % 3]
        module = f"lora_{name}{number}_transformer_blocks_0_{kind}"
        inputs = 768 if text or kind == "attn2_to_k" else width
        shapes |= pair(module, inputs, width, rank) | {f"{module}.alpha": ()}
    return shapes
