"""A weight is found by every name that LoRA files give its module."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel

from imagineerd.starter.network import new_unet
from imagineerd.worker.module_names import original_names, weights_by_name

from .conftest import SHAPE
from .ldm import checkpoint_of

CROSS = "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.mark.parametrize("prefix", ["unet_", "", "diffusion_model_"])
def test_diffusers_and_the_original_code_mean_the_same_weight(model: Any, prefix: str) -> None:
    named = weights_by_name(model.unet, model.text_encoder)
    weight = model.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn2.to_k.weight

    assert named[prefix + CROSS] is weight
    assert named[prefix + "input_blocks_1_1_transformer_blocks_0_attn2_to_k"] is weight


def test_every_weight_of_a_checkpoint_is_found_by_its_name_there(model: Any) -> None:
    named = weights_by_name(model.unet, model.text_encoder)
    prefix = "model.diffusion_model."
    values = {
        name.removeprefix(prefix): value for name, value in checkpoint_of(model).items() if name.startswith(prefix)
    }
    matrices = {name.removesuffix(".weight"): value for name, value in values.items() if value.ndim > 1}

    assert len(matrices) > 200
    for name, value in matrices.items():
        assert torch.equal(named["unet_" + name.replace(".", "_")], value)


def test_the_text_encoder_is_found_with_and_without_its_name(model: Any) -> None:
    named = weights_by_name(model.unet, model.text_encoder)
    modules = dict(model.text_encoder.named_modules())
    weight = next(module.weight for name, module in modules.items() if name.endswith("layers.1.mlp.fc1"))

    assert named["text_encoder_encoder_layers_1_mlp_fc1"] is weight
    assert named["text_model_encoder_layers_1_mlp_fc1"] is weight


def test_norms_and_embeddings_have_no_name(model: Any) -> None:
    named = weights_by_name(model.unet, model.text_encoder)

    assert not [name for name in named if "norm" in name or "embeddings" in name]


@pytest.mark.parametrize("unet", [new_unet(), UNet2DConditionModel(**SHAPE["unet"])])
def test_no_two_modules_of_a_unet_share_a_name(unet: Any) -> None:
    modules = [name for name, module in unet.named_modules() if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)]
    names = [name for path in modules for name in original_names(path, unet.config.layers_per_block)]

    assert len(set(names)) == len(names) >= len(modules)
