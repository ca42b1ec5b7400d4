"""Calls alone: what a picture's height, cuDNN's choice of convolutions, the layout and each way to compile change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import torch
from bench import Bench
from desk import Desk
from rows import Row
from shapes import flops_of, seconds_of
from torch.nn.attention import SDPBackend, sdpa_kernel

from imagineerd.worker import decode
from imagineerd.worker.compiling import Shape, Way
from imagineerd.worker.models import Model

COMPILE_S = 60.0
"""What compiling takes, for the plan; nobody has measured it yet for the UNet of SD 1.5."""
RUNS = 5
ATTENTIONS = (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION)


def shape_of(bench: Bench, size: int, cells: int = 0) -> Shape:
    """Return the guided call for so many pictures, of so many rows of latents or of the benchmark's."""
    return Shape(2 * size, cells or bench.height // 8, bench.width // 8)


def one(  # noqa: PLR0913 - what a measure may change
    bench: Bench, desk: Desk, shape: Shape, way: str, *, compiled: bool = False, captured: bool = False
) -> None:
    """Measure a call as the desk makes it.

    Raises `RuntimeError` where that is not the compiled UNet's or a captured one that it is to be, or it stops to be.
    """
    bench.at = f"one UNet call, {way}, batch {shape.rows // 2}"
    unet = _checked(desk, shape, compiled=compiled, captured=captured)
    seconds = _seconds(unet, desk.model, shape)
    _checked(desk, shape, compiled=compiled, captured=captured)
    _add(bench, way, shape, seconds)


def _checked(desk: Desk, shape: Shape, *, compiled: bool, captured: bool) -> Way:
    way = desk.launching.way(shape)
    if compiled and not way.is_compiled:
        raise RuntimeError(f"No graph is warm for {shape}, so that it is drawn eagerly.")
    if captured and not desk.launching.is_captured(shape):
        raise RuntimeError(f"A call of {shape} is not captured, so that Python launches it.")
    return way


def each_size(bench: Bench, desk: Desk, way: str, *, compiled: bool = False, captured: bool = False) -> None:
    """Measure a call of each batch size, as `one` does."""
    for size in bench.device.batch_sizes:
        one(bench, desk, shape_of(bench, size), way, compiled=compiled, captured=captured)


def neighbours(bench: Bench, model: Model) -> list[int]:
    """Return the rows of the nearest latents that halve evenly down to the UNet's lowest level; none if its own do."""
    deep = 2 ** (len(model.unet.config.block_out_channels) - 1)
    rows = bench.height // 8
    below = rows // deep * deep
    return [] if rows == below else [below, below + deep]


def heights(bench: Bench, desk: Desk, size: int) -> None:
    """Compare the picture's height with the nearest ones whose latents halve evenly."""
    for cells in sorted({bench.height // 8, *neighbours(bench, desk.model)}):
        one(bench, desk, shape_of(bench, size, cells), f"{bench.width}x{8 * cells}")


def cudnn(bench: Bench, desk: Desk, size: int) -> None:
    """Measure what it costs that convolutions are not chosen by timing."""
    with _chosen_by_timing():
        one(bench, desk, shape_of(bench, size), "convolutions chosen by timing")


def attention(bench: Bench, desk: Desk, size: int) -> None:
    """Measure each way to compute attention, among which torch chooses by itself.

    Heads that one cannot take (SD 1.5 has them 40, 80 and 160 wide) go by the next one that can.
    """
    for first in ATTENTIONS:
        others = [each for each in ATTENTIONS if each is not first]
        with sdpa_kernel([first, *others, SDPBackend.MATH], set_priority=True):
            one(bench, desk, shape_of(bench, size), f"attention: {first.name.lower()}")


def decodes(bench: Bench, model: Model, layout: torch.memory_format) -> None:
    """Measure the VAE alone in this layout, for each number of pictures that a call may have."""
    model.vae.to(memory_format=layout)
    try:
        for size in sorted(decode.SIZES):
            _decode(bench, model, str(layout).removeprefix("torch."), size)
    finally:
        model.vae.to(memory_format=torch.contiguous_format)


def compiled_decode(bench: Bench, model: Model, make: Callable[[Any], Any]) -> None:
    """Measure the largest decode by a VAE that is compiled, as a worker's is not."""
    plain = model.vae.decode
    model.vae.decode = make(plain)
    try:
        _decode(bench, model, "compiled", max(decode.SIZES))
    finally:
        model.vae.decode = plain


def _decode(bench: Bench, model: Model, way: str, size: int) -> None:
    bench.at = f"one decode, {way}, batch {size}"
    seconds = min(seconds_of(model.device, _decoding(bench, model, size), RUNS))
    _tell(bench, Row(f"one decode, {way}", size), seconds, size * bench.vae_work)


def _decoding(bench: Bench, model: Model, size: int) -> Callable[[], None]:
    cells = (bench.height // 8, bench.width // 8)
    latents = torch.randn(size, model.vae.config.latent_channels, *cells, device=model.device, dtype=model.dtype)

    def decoding() -> None:
        decode.decode(model, latents, size).span.wait()

    return decoding


def _add(bench: Bench, way: str, shape: Shape, seconds: list[float]) -> None:
    """Tell the best time of a call, and what that is for a row of latents and picture."""
    size, best = shape.rows // 2, min(seconds)
    work = size * flops_of(bench.path, 8 * shape.width, 8 * shape.height)[0]
    each = f"{1e6 * best / (size * shape.height):.0f} µs a row of latents"
    _tell(bench, Row(f"one UNet call, {way}", size, note=each), best, work)


def _tell(bench: Bench, row: Row, seconds: float, work: float) -> None:
    """Add the row of a call that took so many seconds for so many FLOP."""
    rate = work / seconds
    note = f"{1000 * seconds:.1f} ms a call{f', {row.note}' if row.note else ''}"
    bench.tell(msgspec.structs.replace(row, tflops=rate / 1e12, share=bench.share(rate), note=note))


@torch.no_grad()
def _seconds(unet: Way, model: Model, shape: Shape) -> list[float]:
    """Return the seconds of some calls, after those that compile and choose."""
    about = {"device": model.device, "dtype": model.dtype}
    rows = torch.randn(shape.rows, model.unet.config.in_channels, *shape[1:], **about)
    text = torch.randn(shape.rows, 77, model.unet.config.cross_attention_dim, **about)
    at = torch.tensor(500.0, device=model.device)
    for _ in range(2):
        unet(rows, at, text)
    return seconds_of(model.device, lambda: unet(rows, at, text), runs=RUNS)


@contextlib.contextmanager
def _chosen_by_timing() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    cudnn.benchmark, cudnn.deterministic = True, False
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = False, True
