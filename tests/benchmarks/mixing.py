"""Changing a mix of three LoRAs, and drawing with it, beside diffusers' adapters: `load_lora_weights`, `set_adapters`.

Times are processor time of one thread, which a busy neighbour does not stretch.
"""

from __future__ import annotations

import copy
import dataclasses
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from table import Line, median_of, seconds

from imagineerd import link
from imagineerd.worker import lora_layouts
from imagineerd.worker.devices import choose, set_up
from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.models import Model, load

STARTER = Path(__file__).resolve().parents[2] / "imagineerd" / "starter" / "model"
ROUNDS = 5
FORWARDS = 9
RANK = 16
BASE_GOAL = 1.02
"""Merged weights are the base's own, so only noise may tell the two apart."""
HALF = {
    "sample_size": 32,
    "block_out_channels": (160, 320, 640, 640),
    "cross_attention_dim": 128,
    "attention_head_dim": 8,
}
"""SD 1.5's UNet at half its width."""
Mix = list[tuple[str, str, float]]


def lines() -> list[Line]:
    """Measure the starter model, and a UNet of 200 million random weights."""
    _quiet()
    set_up(device := choose(link.Hardware(device="cpu")), threads=1)
    source = link.ModelSource("starter", str(STARTER))
    loaded = load(source, device, link.Configure(link.Hardware()), lambda _report: None)
    # Weights in the mapped file are not aligned as those of the copies that stand beside them here.
    starter = dataclasses.replace(loaded, unet=copy.deepcopy(loaded.unet))
    with tempfile.TemporaryDirectory() as folder:
        found = _measured("starter model", starter, Path(folder), (2, 4, 18, 12))
        larger = dataclasses.replace(
            starter, unet=UNet2DConditionModel(**HALF).eval().requires_grad_(requires_grad=False)
        )
        return found + _measured("half of SD 1.5", larger, Path(folder), (1, 4, 16, 16))


def _measured(name: str, model: Model, folder: Path, latents: tuple[int, ...]) -> list[Line]:
    files = [_write_lora(folder / f"{name} {seed}.safetensors", model, seed) for seed in range(6)]
    one, other = _mix(files[:3], (0.6, 0.3, -0.2)), _mix(files[3:], (0.5, 0.4, 0.3))
    base, pipeline = copy.deepcopy(model.unet), _pipeline(model)
    apply_mix(model, one)
    forward = _forward(latents, model.unet.config.cross_attention_dim)
    return [
        *_changes(name, model, pipeline, one, other),
        *_forwards(name, [lambda: forward(model.unet), lambda: forward(base), lambda: forward(pipeline.unet)]),
    ]


def _changes(name: str, model: Model, pipeline: Any, one: Mix, other: Mix) -> list[Line]:
    """Go from three LoRAs to three others and back, with files read anew and kept; then change strengths alone."""

    def again(mix: Mix) -> float:
        return _timed(lambda: apply_mix(model, mix)) + _timed(lambda: apply_mix(model, other))

    def afresh() -> float:
        lora_layouts._kept = lora_layouts.new_cache()
        return again(one)

    def stack() -> float:
        return _timed(lambda: _load(pipeline, one)) + _timed(lambda: _load(pipeline, other))

    weaker = [(lora, path, weight / 2) for lora, path, weight in other]
    read, kept, stacked = median_of(ROUNDS, afresh, lambda: again(one), stack)
    strengths, scaled = median_of(
        ROUNDS,
        lambda: again(weaker),
        lambda: _timed(lambda: _scale(pipeline, weaker)) + _timed(lambda: _scale(pipeline, other)),
    )
    return [
        _change(name, "from 3 LoRAs to 3 others, files read", read, "load_lora_weights, set_adapters", stacked),
        _change(name, "from 3 LoRAs to 3 others, files kept", kept, "load_lora_weights, set_adapters", stacked),
        _change(name, "other strengths of 3 LoRAs", strengths, "set_adapters", scaled),
    ]


def _change(name: str, measure: str, ours: list[float], how: str, theirs: list[float]) -> Line:
    """Return a line for two changes, there and back."""
    return Line(
        benchmark="mixing",
        measure=f"{name}: {measure}, and back",
        imagineer=seconds(ours),
        reference=f"{how}: {seconds(theirs)}",
        ratio=statistics.median(theirs) / statistics.median(ours),
    )


def _forwards(name: str, forwards: list[Callable[[], torch.Tensor]]) -> list[Line]:
    merged, base, stacked = median_of(FORWARDS, *[lambda forward=forward: _warm(forward) for forward in forwards])
    ratio = statistics.median(merged) / statistics.median(base)
    return [
        Line(
            benchmark="mixing",
            measure=f"{name}: UNet with 3 LoRAs merged",
            imagineer=seconds(merged),
            reference=f"without a LoRA: {seconds(base)}",
            ratio=ratio,
            goal=f"<= {BASE_GOAL}",
            met=ratio <= BASE_GOAL,
        ),
        Line(
            benchmark="mixing",
            measure=f"{name}: UNet with 3 LoRAs merged",
            imagineer=seconds(merged),
            reference=f"3 stacked adapters: {seconds(stacked)}",
            ratio=statistics.median(stacked) / statistics.median(merged),
        ),
    ]


def _warm(work: Callable[[], object]) -> float:
    """Return the time of the second run, which does not pay for what the work before left in the caches."""
    work()
    return _timed(work)


def _timed(work: Callable[[], object]) -> float:
    """Return the processor time of this thread, in seconds."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _forward(latents: tuple[int, ...], width: int) -> Callable[[Any], torch.Tensor]:
    noise, text = torch.ones(latents), torch.ones(latents[0], 77, width)
    return lambda unet: unet(noise, 500, encoder_hidden_states=text).sample


# ---------------------------------------------------------------- the mix, and the reference


def _mix(files: list[Path], weights: tuple[float, ...]) -> Mix:
    return [(path.stem, str(path), weight) for path, weight in zip(files, weights, strict=True)]


def _write_lora(path: Path, model: Model, seed: int) -> Path:
    """Write a LoRA in fp16 of all that kohya's trainer changes by default: what lies within transformers."""
    torch.manual_seed(seed)
    tensors = {}
    parts = {"lora_unet": model.unet, "lora_te_text_model": model.text_encoder}
    for prefix, part in parts.items():
        for name, module in part.named_modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and ("attentions" in name or "encoder" in name):
                key = f"{prefix}_{name.removeprefix('text_model.').replace('.', '_')}"
                ones = (1,) * (module.weight.ndim - 2)
                tensors[f"{key}.lora_down.weight"] = torch.randn(RANK, module.weight.shape[1], *ones).half() / 100
                tensors[f"{key}.lora_up.weight"] = torch.randn(module.weight.shape[0], RANK, *ones).half() / 100
                tensors[f"{key}.alpha"] = torch.tensor(RANK / 2)
    save_file(tensors, path)
    return path


def _pipeline(model: Model) -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=copy.deepcopy(model.text_encoder),
        tokenizer=model.tokenizer,
        unet=copy.deepcopy(model.unet),
        scheduler=EulerDiscreteScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _load(pipeline: StableDiffusionPipeline, mix: Mix) -> None:
    pipeline.unload_lora_weights()
    for number, (_, path, _) in enumerate(mix):
        pipeline.load_lora_weights(path, adapter_name=f"adapter{number}")
    _scale(pipeline, mix)


def _scale(pipeline: StableDiffusionPipeline, mix: Mix) -> None:
    pipeline.set_adapters([f"adapter{number}" for number in range(len(mix))], [weight for _, _, weight in mix])


def _quiet() -> None:
    """Keep what diffusers and PEFT say at each adapter off the screen."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
