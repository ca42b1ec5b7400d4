"""UNet calls alone: what a picture's height, cuDNN's choice of convolutions and each way to compile change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from bench import Bench
from shapes import flops_of, seconds_of

from imagineerd.worker.compiling import Shape, Unet, by_region, whole
from imagineerd.worker.models import Model

COMPILE_S = 60.0
"""What compiling takes, for the plan; nobody has measured it yet for the UNet of SD 1.5."""
RUNS = 5
WAYS = {"the whole UNet": whole, "by region": by_region}


def heights(bench: Bench, model: Model, size: int) -> None:
    """Compare the picture's height with the nearest ones whose latents halve evenly down to the lowest level."""
    deep = 2 ** (len(model.unet.config.block_out_channels) - 1)
    rows = bench.height // 8
    below = rows // deep * deep
    for cells in sorted({below, rows, below + deep} if rows != below else {rows}):
        seconds = _seconds(_of(model.unet), model, Shape(2 * size, cells, bench.width // 8))
        _tell(bench, f"one UNet call, {bench.width}x{8 * cells}", size, seconds, 8 * cells)


def cudnn(bench: Bench, model: Model, size: int) -> None:
    """Measure what it costs that convolutions are not chosen by timing."""
    with _chosen_by_timing():
        seconds = _seconds(_of(model.unet), model, _shape(bench, size))
    _tell(bench, "one UNet call, convolutions chosen by timing", size, seconds, bench.height)


def one(bench: Bench, model: Model, size: int, way: str) -> None:
    """Measure a call by the graphs that the model has, or eagerly where it has none."""
    measure, shape = f"one UNet call, {way}", _shape(bench, size)
    unet = _of(model.unet) if model.graphs is None else model.graphs.unet_for(shape)
    if unet is None:
        bench.say(measure, "is not compiled", size)
    else:
        _tell(bench, measure, size, _seconds(unet, model, shape), bench.height)


def cuda_graphs(bench: Bench, model: Model, size: int) -> None:
    """Measure a call of the whole UNet whose launches were recorded; it is compiled for this size alone."""
    measure = "one UNet call, CUDA graphs"
    if bench.is_late(measure, COMPILE_S):
        return
    graphed: Any = torch.compile(model.unet, mode="reduce-overhead", fullgraph=True, dynamic=False)
    try:
        seconds = _seconds(_of(graphed), model, _shape(bench, size), runs=3 * RUNS)  # it records at the second one
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in its row
        bench.say(measure, f"broke: {error!r}"[:100], size)
        return
    _tell(bench, measure, size, seconds, bench.height)


def _tell(bench: Bench, measure: str, size: int, seconds: float, height: int) -> None:
    """Tell the time of a call, its rate, and the time a row of latents and picture."""
    rate = size * flops_of(bench.path, bench.width, height)[0] / seconds
    each = 1e6 * seconds / (size * height // 8)
    note = (
        f"{1000 * seconds:.1f} ms, {rate / 1e12:.4g} TFLOP/s, {rate / bench.rate:.1%}, {each:.0f} µs a row of latents"
    )
    bench.say(measure, note, size)


@torch.no_grad()
def _seconds(unet: Unet, model: Model, shape: Shape, runs: int = RUNS) -> float:
    about = {"device": model.device, "dtype": model.dtype}
    rows = torch.randn(shape.rows, model.unet.config.in_channels, *shape[1:], **about)
    text = torch.randn(shape.rows, 77, model.unet.config.cross_attention_dim, **about)
    at = torch.tensor(500.0, device=model.device)
    return min(seconds_of(model.device, lambda: unet(rows, at, text), runs=runs))


def _shape(bench: Bench, size: int) -> Shape:
    return Shape(2 * size, bench.height // 8, bench.width // 8)


def _of(unet: Any) -> Unet:
    """Let a UNet of diffusers be called as `Graphs` is."""
    return lambda rows, at, text: unet(rows, at, encoder_hidden_states=text, return_dict=False)


@contextlib.contextmanager
def _chosen_by_timing() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    cudnn.benchmark, cudnn.deterministic = True, False
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = False, True
