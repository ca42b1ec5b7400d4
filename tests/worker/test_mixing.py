"""Mixes are merged exactly, and go without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from imagineerd.errors import LoraError
from imagineerd.worker.denoise import denoise, row_of
from imagineerd.worker.mixing import apply_mix, restore

LINEAR = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
OUT = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
CONV = "down_blocks.0.resnets.0.conv1"
TEXT = "encoder.layers.0.self_attn.q_proj"
RANK = 2


def factors(weight: torch.Tensor, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (down, up) of rank 2 for a weight."""
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(RANK, *weight.shape[1:], generator=generator)
    ones = (1,) * (weight.ndim - 2)
    return down, torch.randn(weight.shape[0], RANK, *ones, generator=generator)


def snapshot(model: Any) -> dict[str, torch.Tensor]:
    parts = {"unet": model.unet, "text": model.text_encoder}
    return {f"{name}.{key}": value.clone() for name, part in parts.items() for key, value in part.state_dict().items()}


def same_bits(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def clean(model: Any) -> Any:
    yield model
    restore(model)


@pytest.fixture
def weights(clean: Any) -> dict[str, torch.nn.Parameter]:
    modules = {**dict(clean.unet.named_modules()), **dict(clean.text_encoder.named_modules())}
    return {name: modules[name].weight for name in (LINEAR, OUT, CONV, TEXT)}


def kohya(name: str) -> str:
    prefix = "lora_te_text_model_" if name == TEXT else "lora_unet_"
    return prefix + name.replace(".", "_")


def write_kohya(path: Path, weights: dict[str, torch.Tensor], alpha: float | None = 1.0, seed: int = 1) -> Path:
    tensors = {}
    for name, weight in weights.items():
        down, up = factors(weight, seed)
        tensors |= {f"{kohya(name)}.lora_down.weight": down, f"{kohya(name)}.lora_up.weight": up}
        if alpha is not None:
            tensors[f"{kohya(name)}.alpha"] = torch.tensor(alpha)
    save_file(tensors, path)
    return path


def delta(weight: torch.Tensor, seed: int = 1) -> torch.Tensor:
    down, up = factors(weight, seed)
    return (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)


def test_a_merged_weight_is_the_pristine_one_plus_the_scaled_product(
    clean: Any, weights: dict[str, Any], tmp_path: Path
) -> None:
    before = {name: weight.clone() for name, weight in weights.items()}
    path = write_kohya(tmp_path / "a.safetensors", weights)
    apply_mix(clean, [("a", str(path), 0.8)])

    for name, weight in weights.items():
        expected = before[name] + 0.8 * (1.0 / RANK) * delta(before[name])
        torch.testing.assert_close(weight.detach(), expected, rtol=0, atol=1e-6)


def test_two_loras_add_up(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    before = weights[LINEAR].clone()
    first = write_kohya(tmp_path / "a.safetensors", weights, seed=1)
    second = write_kohya(tmp_path / "b.safetensors", {LINEAR: weights[LINEAR]}, alpha=None, seed=2)
    apply_mix(clean, [("a", str(first), 0.5), ("b", str(second), -0.25)])

    expected = before + 0.25 * delta(before, 1) - 0.25 * delta(before, 2)
    torch.testing.assert_close(weights[LINEAR].detach(), expected, rtol=0, atol=1e-6)


def test_the_forward_pass_equals_the_base_plus_the_lora_path(
    clean: Any, weights: dict[str, Any], tmp_path: Path
) -> None:
    module = dict(clean.unet.named_modules())[LINEAR]
    inputs = torch.randn(3, module.in_features)
    base = module(inputs)
    down, up = factors(module.weight)
    apply_mix(clean, [("a", str(write_kohya(tmp_path / "a.safetensors", weights)), 1.0)])

    torch.testing.assert_close(module(inputs), base + inputs @ down.T @ up.T / RANK, rtol=1e-5, atol=1e-5)


def test_after_a_mix_the_base_is_bit_equal_to_what_was_loaded(
    clean: Any, weights: dict[str, Any], tmp_path: Path
) -> None:
    before = snapshot(clean)
    first = write_kohya(tmp_path / "a.safetensors", weights, seed=1)
    second = write_kohya(tmp_path / "b.safetensors", {CONV: weights[CONV]}, seed=2)
    for path, weight in ((first, 0.8), (second, -1.3), (first, 0.1)):
        apply_mix(clean, [(path.stem, str(path), weight)])
        assert not same_bits(before, snapshot(clean))
    apply_mix(clean, [])

    assert same_bits(before, snapshot(clean))


def test_a_mix_has_the_same_bits_whatever_was_mixed_before(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    first = write_kohya(tmp_path / "a.safetensors", weights, seed=1)
    second = write_kohya(tmp_path / "b.safetensors", weights, seed=2)
    apply_mix(clean, [("a", str(first), 0.8)])
    directly = snapshot(clean)
    apply_mix(clean, [("b", str(second), 1.7)])
    apply_mix(clean, [("a", str(first), 0.8)])

    assert same_bits(directly, snapshot(clean))


def test_weight_zero_is_the_base(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    before = snapshot(clean)
    path = write_kohya(tmp_path / "a.safetensors", weights)
    apply_mix(clean, [("a", str(path), 0.0)])

    assert same_bits(before, snapshot(clean))


def test_a_lora_of_the_text_encoder_changes_the_picture(
    clean: Any, weights: dict[str, Any], spec: Any, tmp_path: Path
) -> None:
    path = write_kohya(tmp_path / "a.safetensors", {TEXT: weights[TEXT]}, alpha=50.0)
    base = denoise(clean, [row_of(1, spec())], spec(), 1)
    apply_mix(clean, [("a", str(path), 2.0)])
    mixed = denoise(clean, [row_of(1, spec())], spec(), 1)
    apply_mix(clean, [])
    again = denoise(clean, [row_of(1, spec())], spec(), 1)

    assert not torch.equal(base, mixed)
    assert torch.equal(base, again)


LAYOUTS = {
    "peft": ("unet.{}.lora_A.weight", "unet.{}.lora_B.weight", "text_encoder.text_model.{}.lora_A.weight"),
    "peft-model": (
        "base_model.model.unet.{}.lora_A.default.weight",
        "base_model.model.unet.{}.lora_B.default.weight",
        "text_encoder.text_model.{}.lora_A.weight",
    ),
    "diffusers": (
        "unet.{}.lora.down.weight",
        "unet.{}.lora.up.weight",
        "text_encoder.text_model.{}.lora_linear_layer.down.weight",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_layouts_say_the_same(clean: Any, weights: dict[str, Any], tmp_path: Path, layout: str) -> None:
    down_name, up_name, text_name = LAYOUTS[layout]
    tensors = {}
    for name in (LINEAR, OUT, CONV):
        down, up = factors(weights[name])
        tensors |= {down_name.format(name): down, up_name.format(name): up}
    down, up = factors(weights[TEXT])
    text_up = text_name.replace("lora_A", "lora_B").replace("down", "up")
    tensors |= {text_name.format(TEXT): down, text_up.format(TEXT): up}
    save_file(tensors, tmp_path / "other.safetensors")
    same = write_kohya(tmp_path / "kohya.safetensors", weights, alpha=None)

    apply_mix(clean, [("kohya", str(same), 0.7)])
    expected = snapshot(clean)
    apply_mix(clean, [("other", str(tmp_path / "other.safetensors"), 0.7)])

    assert same_bits(expected, snapshot(clean))


def test_old_processor_names_are_understood(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    block = LINEAR.removesuffix(".to_q")
    tensors = {}
    for part, name in (("to_q", LINEAR), ("to_out", OUT)):
        down, up = factors(weights[name])
        tensors |= {
            f"unet.{block}.processor.{part}_lora.down.weight": down,
            f"unet.{block}.processor.{part}_lora.up.weight": up,
        }
    save_file(tensors, tmp_path / "old.safetensors")
    before = weights[OUT].clone()
    apply_mix(clean, [("old", str(tmp_path / "old.safetensors"), 1.0)])

    torch.testing.assert_close(weights[OUT].detach(), before + delta(before), rtol=0, atol=1e-6)


def damaged(tmp_path: Path, weights: dict[str, Any], how: str) -> Path:
    """Write a file that must not be applied."""
    path = tmp_path / "bad.safetensors"
    down, up = factors(weights[LINEAR])
    base = kohya(LINEAR)
    files = {
        "shape": {f"{base}.lora_down.weight": torch.ones(RANK, 99), f"{base}.lora_up.weight": up},
        "ranks": {f"{base}.lora_down.weight": down, f"{base}.lora_up.weight": torch.ones(16, RANK + 1)},
        "unknown": {
            "lora_unet_nowhere.lora_down.weight": down.clone(),
            "lora_unet_nowhere.lora_up.weight": up.clone(),
            f"{base}.lora_down.weight": down,
            f"{base}.lora_up.weight": up,
        },
        "nan": {f"{base}.lora_down.weight": down * float("nan"), f"{base}.lora_up.weight": up},
        "half": {f"{base}.lora_down.weight": down},
        "loha": {f"{base}.hada_w1_a": down},
        "other": {"something": down},
        "empty": {},
    }
    if how in files:
        save_file(files[how], path)
        return path
    save_file({"one": down, "two": up}, path)
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-40], "pickle": b"\x80\x02}q\x00." * 40, "nothing": b""}[how])
    return path


@pytest.mark.parametrize(
    "how",
    ["shape", "ranks", "unknown", "nan", "half", "loha", "other", "empty", "cut", "pickle", "nothing"],
)
def test_a_bad_file_is_one_sentence_and_leaves_the_base(
    clean: Any, weights: dict[str, Any], tmp_path: Path, how: str
) -> None:
    before = snapshot(clean)
    good = write_kohya(tmp_path / "good.safetensors", weights)
    bad = damaged(tmp_path, weights, how)

    with pytest.raises(LoraError, match="bad") as caught:
        apply_mix(clean, [("good", str(good), 1.0), ("bad", str(bad), 1.0)])

    assert "\n" not in caught.value.message
    assert same_bits(before, snapshot(clean))


def test_a_missing_file_is_one_sentence(clean: Any, tmp_path: Path) -> None:
    with pytest.raises(LoraError, match='"gone" cannot be read'):
        apply_mix(clean, [("gone", str(tmp_path / "gone.safetensors"), 1.0)])


def test_a_changed_file_is_read_again(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    path = write_kohya(tmp_path / "a.safetensors", weights, seed=1)
    first = apply_mix(clean, [("a", str(path), 1.0)])
    write_kohya(tmp_path / "new.safetensors", weights, seed=2).replace(path)
    second = apply_mix(clean, [("a", str(path), 1.0)])

    assert first[0].sha256 != second[0].sha256
    assert first[0].autov3 != second[0].autov3
