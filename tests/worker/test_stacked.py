"""A merged mix draws what diffusers draws with the same LoRAs stacked by `set_adapters`, within fp32 rounding."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from peft import LoraConfig, get_peft_model_state_dict

from imagineerd.worker.mixing import apply_mix

from .lora_tensors import write_layout

pytestmark = pytest.mark.filterwarnings("ignore")  # those of diffusers and transformers at the reference's work
ATTENTION = re.compile(r"\.(attn\d|self_attn)\.")
STRENGTHS = (0.7, -0.4, 1.3)
NOT_BY_DIFFUSERS = ("down_blocks.3", "up_blocks.3", "up_blocks.0.upsamplers")
"""What it takes for something else by Stability's names: SDXL has no block 10 and no sampler without attention."""


@pytest.fixture
def clean(model: Any) -> Iterator[Any]:
    yield model
    apply_mix(model, [])


@pytest.fixture
def stacked(clean: Any) -> StableDiffusionPipeline:
    """A pipeline of copies of the model's parts."""
    return StableDiffusionPipeline(
        vae=clean.vae,
        text_encoder=copy.deepcopy(clean.text_encoder),
        tokenizer=clean.tokenizer,
        unet=copy.deepcopy(clean.unet),
        scheduler=EulerDiscreteScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def weights_for(layout: str, model: Any) -> dict[str, torch.Tensor]:
    """Return copies of all weights that a layout can name."""
    weights = {f"unet.{name}": module.weight.detach().clone() for name, module in matrices(model.unet)}
    if layout == "kohya-sai":
        weights = {name: weights[name] for name in weights if not any(place in name for place in NOT_BY_DIFFUSERS)}
    text = {name.removeprefix("text_model."): module for name, module in matrices(model.text_encoder)}
    weights |= {f"text_encoder.{name}": module.weight.detach().clone() for name, module in text.items()}
    return {name: weights[name] for name in weights if layout != "diffusers-old" or ATTENTION.search(name)}


def matrices(part: Any) -> Iterator[tuple[str, Any]]:
    for name, module in part.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and name != "conv_in":
            yield name, module


@torch.no_grad()
def forward(unet: Any, text_encoder: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the text encoder and the UNet make of the same input."""
    generator = torch.Generator().manual_seed(3)
    latents, ids = torch.randn(2, 4, 8, 8, generator=generator), torch.randint(0, 4000, (2, 77), generator=generator)
    text = text_encoder(ids)[0]
    return text, unet(latents, 500, encoder_hidden_states=text).sample


def assert_same(clean: Any, stacked: StableDiffusionPipeline, base: tuple[torch.Tensor, torch.Tensor]) -> None:
    ours, theirs = forward(clean.unet, clean.text_encoder), forward(stacked.unet, stacked.text_encoder)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine - other).abs().max() < 1e-5 * other.abs().max()
    assert (theirs[1] - base[1]).abs().max() > 0.1 * theirs[1].abs().max()


@pytest.mark.parametrize(
    ("layout", "alpha"),
    [("kohya", 2.0), ("kohya", None), ("kohya-sai", 2.0), ("diffusers", None), ("diffusers-old", None), ("peft", None)],
)
def test_one_two_and_three_loras_draw_what_stacked_adapters_draw(
    clean: Any, stacked: Any, tmp_path: Path, layout: str, alpha: float | None
) -> None:
    base = forward(clean.unet, clean.text_encoder)
    weights = weights_for(layout, clean)
    extra = {"unet_config": stacked.unet.config} if layout == "kohya-sai" else {}
    mix: list[tuple[str, str, float]] = []
    for seed, strength in enumerate(STRENGTHS):
        path = tmp_path / f"lora{seed}.safetensors"
        write_layout(path, layout, weights, seed=seed, alpha=alpha)
        stacked.load_lora_weights(str(path), adapter_name=path.stem, **extra)
        mix.append((path.stem, str(path), strength))
        stacked.set_adapters([name for name, _, _ in mix], [strength for _, _, strength in mix])
        apply_mix(clean, mix)

        assert_same(clean, stacked, base)


@pytest.mark.parametrize("rank_stabilized", [False, True])
def test_a_file_that_diffusers_saved_has_the_scale_that_diffusers_reads(
    clean: Any, stacked: Any, tmp_path: Path, *, rank_stabilized: bool
) -> None:
    base = forward(clean.unet, clean.text_encoder)
    config = LoraConfig(
        r=4,
        lora_alpha=3,
        alpha_pattern={"attn1.to_q": 1.0},
        target_modules=["attn1.to_q", "attn2.to_k", "conv1"],
        use_rslora=rank_stabilized,
        init_lora_weights=False,
    )
    trained = copy.deepcopy(clean.unet)
    torch.manual_seed(5)
    trained.add_adapter(config)
    StableDiffusionPipeline.save_lora_weights(
        tmp_path,
        unet_lora_layers=get_peft_model_state_dict(trained),
        unet_lora_adapter_metadata=config.to_dict(),
    )
    (path,) = tmp_path.glob("*.safetensors")
    stacked.load_lora_weights(str(path), adapter_name="saved")
    stacked.set_adapters(["saved"], [0.8])
    apply_mix(clean, [("saved", str(path), 0.8)])

    assert_same(clean, stacked, base)
