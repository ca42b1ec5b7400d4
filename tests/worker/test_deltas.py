"""What a file of any layout adds to a weight is what its matrices say, and what PEFT's own layers make of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, inject_adapter_in_model
from safetensors.torch import load_file

from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.module_names import weights_by_name

from .lora_tensors import LAYOUTS, write_layout

MODULES = (
    "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
    "unet.down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_k",
    "unet.down_blocks.1.attentions.0.proj_in",
    "unet.down_blocks.0.resnets.0.conv1",
    "unet.up_blocks.1.upsamplers.0.conv",
    "text_encoder.encoder.layers.0.self_attn.q_proj",
)
"""Matrices, a 1x1 convolution, and 3x3 ones."""
OF_ATTENTION = (*MODULES[:3], MODULES[-1])
STRENGTHS = (0.7, -1.2, 2.0)
pytestmark = pytest.mark.filterwarnings("ignore:Already found a `peft_config` attribute:UserWarning")
RANK, ALPHA = 4, 2.0


@pytest.fixture
def clean(model: Any) -> Iterator[Any]:
    yield model
    apply_mix(model, [])


def weights_of(model: Any, modules: tuple[str, ...] = MODULES) -> dict[str, torch.nn.Parameter]:
    named = weights_by_name(model.unet, model.text_encoder)
    return {module: named[module.replace(".", "_")] for module in modules}


def copies(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {module: weight.detach().clone() for module, weight in weights.items()}


@pytest.mark.parametrize("alpha", [None, ALPHA])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_adds_what_its_matrices_say(clean: Any, tmp_path: Path, layout: str, alpha: float | None) -> None:
    weights = weights_of(clean, OF_ATTENTION if layout == "diffusers-old" else MODULES)
    before = copies(weights)
    path = tmp_path / "lora.safetensors"
    deltas = write_layout(path, layout, before, rank=RANK, alpha=alpha)
    (applied,) = apply_mix(clean, [("lora", str(path), 0.7)])

    assert applied.applied == 1.0
    for module, weight in weights.items():
        expected = before[module].double() + 0.7 * deltas[module]
        torch.testing.assert_close(weight.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_three_files_of_a_layout_add_up_in_any_order(clean: Any, tmp_path: Path, layout: str) -> None:
    weights = weights_of(clean, OF_ATTENTION if layout == "diffusers-old" else MODULES)
    before = copies(weights)
    expected = {module: weight.double() for module, weight in before.items()}
    mix = []
    for seed, strength in enumerate(STRENGTHS):
        path = tmp_path / f"{seed}.safetensors"
        for module, delta in write_layout(path, layout, before, seed=seed, alpha=ALPHA).items():
            expected[module] += strength * delta
        mix.append((path.stem, str(path), strength))
    apply_mix(clean, mix)
    one_way = copies(weights)
    apply_mix(clean, [])
    apply_mix(clean, mix[::-1])

    for module, weight in weights.items():
        assert torch.equal(weight, one_way[module])
        torch.testing.assert_close(weight.double(), expected[module], rtol=0, atol=2e-6)


# ---------------------------------------------------------------- what diffusers cannot load: PEFT's layers alone


def unet_modules(model: Any) -> dict[str, torch.Tensor]:
    return copies({module: weight for module, weight in weights_of(model).items() if module.startswith("unet.")})


def adapted(unet: Any, config: Any, files: list[Path], layout: str) -> Any:
    """Return a copy of the UNet with PEFT's layers around its modules, an adapter for each file."""
    unet = copy.deepcopy(unet)
    for path in files:
        inject_adapter_in_model(config, unet, path.stem)
        tensors = load_file(path)
        for module in (name.removeprefix("unet.") for name in MODULES if name.startswith("unet.")):
            name = LAYOUTS[layout].name(f"unet.{module}")
            parts = {
                key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")
            }
            fill(unet.get_submodule(module), path.stem, parts)
    return unet


def fill(layer: Any, adapter: str, parts: dict[str, torch.Tensor]) -> None:
    """Give a LyCORIS layer the tensors of a file, and none beside them."""
    for part in layer.adapter_layer_names:
        held = getattr(layer, part)
        if adapter in held:
            del held[adapter]
        if part in parts:
            held[adapter] = torch.nn.Parameter(parts[part])


def activate(unet: Any, strengths: Mapping[str, float]) -> None:
    from peft.tuners.tuners_utils import BaseTunerLayer

    for layer in unet.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.set_adapter(list(strengths))
            for adapter, strength in strengths.items():
                layer.set_scale(adapter, strength)


def forward(unet: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    latents, text = torch.randn(2, 4, 8, 8, generator=generator), torch.randn(2, 77, 32, generator=generator)
    with torch.no_grad():
        return unet(latents, 500, encoder_hidden_states=text).sample


def assert_same_forward(ours: torch.Tensor, theirs: torch.Tensor, base: torch.Tensor) -> None:
    """Equal within fp32 rounding, and both far from the base."""
    size = theirs.abs().max()

    assert (ours - theirs).abs().max() < 1e-5 * size
    assert (theirs - base).abs().max() > 1e-2 * size


TARGETS = [module.removeprefix("unet.") for module in MODULES if module.startswith("unet.")]
LYCORIS = {
    "loha": LoHaConfig(r=RANK, alpha=ALPHA, target_modules=TARGETS),
    "loha-core": LoHaConfig(r=RANK, alpha=ALPHA, target_modules=TARGETS, use_effective_conv2d=True),
    "lokr": LoKrConfig(r=RANK, alpha=RANK, target_modules=TARGETS),
    "lokr-split": LoKrConfig(r=RANK, alpha=ALPHA, target_modules=TARGETS),
    "lokr-both": LoKrConfig(r=RANK, alpha=ALPHA, target_modules=TARGETS),
    "lokr-core": LoKrConfig(r=RANK, alpha=ALPHA, target_modules=TARGETS, use_effective_conv2d=True),
}


@pytest.mark.parametrize("layout", LYCORIS)
def test_loha_and_lokr_draw_what_peft_s_stacked_layers_draw(clean: Any, tmp_path: Path, layout: str) -> None:
    pristine = unet_modules(clean)
    files = [tmp_path / f"lora{seed}.safetensors" for seed in range(3)]
    for seed, path in enumerate(files):
        write_layout(path, layout, pristine, seed=seed, rank=RANK, alpha=ALPHA)
    base = forward(clean.unet)
    stacked = adapted(clean.unet, LYCORIS[layout], files, layout)
    for count in (1, 2, 3):
        mix = dict(zip((path.stem for path in files[:count]), STRENGTHS, strict=False))
        activate(stacked, mix)
        apply_mix(clean, [(path.stem, str(path), mix[path.stem]) for path in files[:count]])

        assert_same_forward(forward(clean.unet), forward(stacked), base)


def dora_layers(unet: Any, path: Path) -> Any:
    """Return a copy of the UNet with the DoRA of a file in PEFT's layers."""
    unet = copy.deepcopy(unet)
    inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, use_dora=True), unet, "dora")
    tensors = load_file(path)
    for module in TARGETS:
        layer = unet.get_submodule(module)
        for part in ("lora_A", "lora_B", "lora_magnitude_vector"):
            getattr(layer, part)["dora"].weight = torch.nn.Parameter(tensors[f"unet.{module}.{part}.weight"])
    return unet


def test_a_dora_at_strength_1_draws_what_peft_draws(clean: Any, tmp_path: Path) -> None:
    path = tmp_path / "dora.safetensors"
    write_layout(path, "dora-peft", unet_modules(clean), rank=RANK, alpha=ALPHA)
    base = forward(clean.unet)
    theirs = forward(dora_layers(clean.unet, path))
    apply_mix(clean, [("dora", str(path), 1.0)])

    assert_same_forward(forward(clean.unet), theirs, base)


def test_several_doras_each_add_their_share_of_what_peft_would_merge(clean: Any, tmp_path: Path) -> None:
    pristine = unet_modules(clean)
    expected = copies(pristine)
    mix = []
    for seed, strength in enumerate(STRENGTHS):
        path = tmp_path / f"dora{seed}.safetensors"
        write_layout(path, "dora-peft", pristine, seed=seed, rank=RANK, alpha=ALPHA)
        mix.append((path.stem, str(path), strength))
        theirs = dora_layers(clean.unet, path)
        for module in TARGETS:
            layer = theirs.get_submodule(module)
            layer.merge()
            expected[f"unet.{module}"] += strength * (
                layer.get_base_layer().weight.detach() - pristine[f"unet.{module}"]
            )
    apply_mix(clean, mix)

    for module, weight in unet_modules(clean).items():
        torch.testing.assert_close(weight, expected[module], rtol=0, atol=5e-6)


def test_a_dora_fades_to_the_base(clean: Any, tmp_path: Path) -> None:
    path = tmp_path / "dora.safetensors"
    pristine = unet_modules(clean)
    deltas = write_layout(path, "dora-peft", pristine, rank=RANK, alpha=ALPHA)
    apply_mix(clean, [("dora", str(path), 1e-3)])

    for module, weight in unet_modules(clean).items():
        torch.testing.assert_close((weight - pristine[module]).double(), 1e-3 * deltas[module], rtol=0, atol=1e-6)
