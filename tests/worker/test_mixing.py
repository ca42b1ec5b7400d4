"""Mixes are merged exactly, and go without a trace."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from imagineerd import link
from imagineerd.errors import LoraError
from imagineerd.worker import mixing
from imagineerd.worker.denoise import denoise, encode, row_of
from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.models import load

from .lora_tensors import write_layout

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
    apply_mix(model, [])


@pytest.fixture
def weights(clean: Any) -> dict[str, torch.nn.Parameter]:
    return weights_of(clean)


def weights_of(model: Any) -> dict[str, torch.nn.Parameter]:
    modules = {**dict(model.unet.named_modules()), **dict(model.text_encoder.named_modules())}
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


def parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    return {**dict(model.unet.named_parameters()), **dict(model.text_encoder.named_parameters())}


def test_no_module_and_no_parameter_is_replaced(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    def places() -> list[tuple[str, int, int]]:
        return [(name, id(weight), weight.data_ptr()) for name, weight in parameters(clean).items()]

    modules = [id(module) for module in clean.unet.modules()]
    before = places()
    path = write_kohya(tmp_path / "a.safetensors", weights)
    for strength in (0.8, -0.2, 0.0):
        apply_mix(clean, [("a", str(path), strength)])

        assert places() == before
        assert [id(module) for module in clean.unet.modules()] == modules


def test_the_files_of_the_model_stay_as_they_are(
    clean: Any, weights: dict[str, Any], tiny: Path, tmp_path: Path
) -> None:
    """Its weights may be mapped from there."""

    def hashes() -> list[bytes]:
        return [hashlib.sha256(path.read_bytes()).digest() for path in sorted(tiny.rglob("*.safetensors"))]

    before = hashes()
    apply_mix(clean, [("a", str(write_kohya(tmp_path / "a.safetensors", weights)), 1.0)])

    assert len(before) == 3
    assert hashes() == before


def test_a_compiled_unet_draws_every_mix_by_the_same_graph(
    shallow: link.ModelSource, device: Any, tmp_path: Path
) -> None:
    model = load(shallow, device, link.Configure(link.Hardware()), lambda _report: None)
    weights = weights_of(model)
    graphs = 0

    def backend(graph: Any, _inputs: Any) -> Any:
        nonlocal graphs
        graphs += 1
        return graph

    def forward(unet: Any) -> torch.Tensor:
        return unet(torch.ones(2, 4, 8, 8), 500, encoder_hidden_states=torch.ones(2, 77, 32)).sample

    compiled = torch.compile(model.unet, backend=backend)
    paths = [write_kohya(tmp_path / f"{seed}.safetensors", weights, seed=seed) for seed in range(3)]
    base, made = forward(compiled), graphs
    for strength in (0.8, -0.2):
        apply_mix(model, [(path.stem, str(path), strength) for path in paths])

        assert torch.equal(forward(compiled), forward(model.unet))
        assert not torch.equal(forward(compiled), base)
    assert made == graphs > 0


def test_from_mix_to_mix_only_what_differs_is_written(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    every = write_kohya(tmp_path / "every.safetensors", weights)
    text = write_kohya(tmp_path / "text.safetensors", {TEXT: weights[TEXT]}, seed=2)

    def written(*mix: tuple[str, str, float]) -> set[str]:
        versions = {name: weight._version for name, weight in parameters(clean).items()}
        apply_mix(clean, mix)
        return {
            name.removesuffix(".weight")
            for name, weight in parameters(clean).items()
            if weight._version != versions[name]
        }

    assert written(("every", str(every), 1.0)) == set(weights)
    assert written(("every", str(every), 1.0)) == set()
    assert written(("every", str(every), 1.0), ("text", str(text), 0.5)) == {TEXT}
    assert written(("text", str(text), 0.5)) == set(weights)
    assert written() == {TEXT}


def test_pristine_bits_are_kept_of_changed_weights_alone(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    path = write_kohya(tmp_path / "a.safetensors", {TEXT: weights[TEXT]})
    apply_mix(clean, [("a", str(path), 1.0)])

    assert set(clean.merged) == {weights[TEXT]}
    apply_mix(clean, [])
    assert not clean.merged


def test_a_thousand_mixes_later_every_bit_is_where_it_was(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    """Mixes are drawn from six files of different layouts; each that comes up again has the bits of the first time."""
    modules = {f"unet.{name}": weights[name].detach().clone() for name in (LINEAR, OUT, CONV)}
    modules["text_encoder." + TEXT] = weights[TEXT].detach().clone()
    layouts = ("kohya", "diffusers", "locon-core", "loha", "lokr-split", "dora")
    files = [tmp_path / f"{layout}.safetensors" for layout in layouts]
    for seed, (path, layout) in enumerate(zip(files, layouts, strict=True)):
        write_layout(path, layout, dict(list(modules.items())[seed % 2 :]), seed=seed, alpha=2.0)
    before, chance = digest(clean), random.Random(4)  # noqa: S311
    seen: dict[tuple[tuple[str, float], ...], str] = {}
    again = 0
    for _ in range(1000):
        chosen = chance.sample(files, chance.choice([0, 1, 1, 2, 3]))
        mix = [(path.stem, str(path), chance.choice([-2.0, -0.35, 0.0, 0.6, 1.0])) for path in chosen]
        apply_mix(clean, mix)
        key = tuple(sorted((name, strength) for name, _, strength in mix if strength))
        again += key in seen
        found = digest(clean, weights.values())
        assert seen.setdefault(key, found) == found
    apply_mix(clean, [])

    assert digest(clean) == before
    assert seen[()] == digest(clean, weights.values())
    assert len(set(seen.values())) == len(seen)
    assert again > 100


def digest(model: Any, weights: Iterable[torch.Tensor] = ()) -> str:
    """Return the hash of some weights' bytes, or of all of the model."""
    content = hashlib.sha256()
    for weight in weights or snapshot(model).values():
        content.update(weight.detach().numpy().tobytes())
    return content.hexdigest()


def test_a_lora_of_strength_0_is_not_even_read(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    bad = damaged(tmp_path, weights, "nan")
    (applied,) = apply_mix(clean, [("bad", str(bad), 0.0)])

    assert (applied.weight, applied.applied, len(applied.sha256)) == (0.0, 0.0, 64)


def test_embeddings_are_those_of_the_mix_and_are_kept_for_it(
    clean: Any, weights: dict[str, Any], tmp_path: Path
) -> None:
    text = write_kohya(tmp_path / "text.safetensors", {TEXT: weights[TEXT]}, alpha=50.0)
    unet = write_kohya(tmp_path / "unet.safetensors", {LINEAR: weights[LINEAR]})
    base = encode(clean, "the moon")
    apply_mix(clean, [("text", str(text), 1.0)])
    mixed = encode(clean, "the moon")
    apply_mix(clean, [("text", str(text), 1.0), ("unet", str(unet), 0.5)])
    with_unet = encode(clean, "the moon")
    apply_mix(clean, [("unet", str(unet), 0.5)])

    assert not torch.equal(base, mixed)
    assert with_unet is mixed
    assert encode(clean, "the moon") is base


def with_strangers(path: Path, weights: dict[str, Any], strangers: int) -> Path:
    """Write a LoRA of 12 tensors and some more that are no part of it."""
    write_kohya(path, weights)
    more = {f"bundle_emb.word{number}.string_to_param.*": torch.ones(2, 32) for number in range(strangers)}
    save_file({**load_file(path), **more}, path)
    return path


def test_what_is_left_out_of_a_file_is_recorded(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    whole = with_strangers(tmp_path / "whole.safetensors", weights, 0)
    more = with_strangers(tmp_path / "more.safetensors", weights, 1)
    mix = apply_mix(clean, [("whole", str(whole), 1.0), ("more", str(more), 1.0)])

    assert [lora.applied for lora in mix] == [1.0, round(12 / 13, 4)]


def test_a_file_of_which_too_little_fits_is_refused(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    before = snapshot(clean)
    elsewhere = {name.replace("down_blocks.0", "down_blocks.7"): weight for name, weight in weights.items()}
    some = write_kohya(tmp_path / "some.safetensors", elsewhere)
    strange = with_strangers(tmp_path / "strange.safetensors", weights, 2)

    with pytest.raises(LoraError, match="only 3 of its 12 tensors fit this one, which has no unet_down_blocks_7"):
        apply_mix(clean, [("some", str(some), 1.0)])
    with pytest.raises(LoraError, match="only 12 of its 14 tensors fit this one"):
        apply_mix(clean, [("strange", str(strange), 1.0)])
    assert same_bits(before, snapshot(clean))


def test_a_failed_mix_leaves_the_one_before(clean: Any, weights: dict[str, Any], tmp_path: Path) -> None:
    good = write_kohya(tmp_path / "good.safetensors", weights)
    mix = apply_mix(clean, [("good", str(good), 1.0)])
    before = snapshot(clean)
    with pytest.raises(LoraError, match="bad"):
        apply_mix(clean, [("bad", str(damaged(tmp_path, weights, "nan")), 1.0)])

    assert same_bits(before, snapshot(clean))
    assert clean.mix == mix


def test_a_mix_that_fails_half_way_through_its_writing_is_written_again(
    clean: Any, weights: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_kohya(tmp_path / "a.safetensors", weights)
    apply_mix(clean, [("a", str(path), 1.0)])
    before, real, calls = snapshot(clean), mixing.delta, 0

    def delta_without_memory(*arguments: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise torch.OutOfMemoryError
        return real(*arguments)

    monkeypatch.setattr(mixing, "delta", delta_without_memory)
    with pytest.raises(torch.OutOfMemoryError):
        apply_mix(clean, [("a", str(path), 0.5)])
    monkeypatch.setattr(mixing, "delta", real)
    apply_mix(clean, [("a", str(path), 1.0)])

    assert same_bits(before, snapshot(clean))


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
        "two kinds": {f"{base}.lora_down.weight": down, f"{base}.lora_up.weight": up, f"{base}.lokr_w1": up.clone()},
        "magnitude": {
            f"{base}.lora_down.weight": down,
            f"{base}.lora_up.weight": up,
            f"{base}.dora_scale": torch.ones(3, 1),
        },
        "no rank": {f"{base}.lora_down.weight": down[:0], f"{base}.lora_up.weight": up[:, :0]},
        "alpha": {
            f"{base}.lora_down.weight": down,
            f"{base}.lora_up.weight": up,
            f"{base}.alpha": torch.ones(2),
        },
        "scalar": {f"{base}.lora_down.weight": torch.tensor(1.0), f"{base}.lora_up.weight": up},
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
    [
        "shape",
        "ranks",
        "unknown",
        "nan",
        "half",
        "loha",
        "two kinds",
        "magnitude",
        "no rank",
        "alpha",
        "scalar",
        "other",
        "empty",
        "cut",
        "pickle",
        "nothing",
    ],
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
