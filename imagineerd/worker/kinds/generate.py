"""Draw the pictures of an order: model, mix, sampling loop, files."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from imagineerd import link
from imagineerd.errors import ImagineerError, LoraError, OutOfMemory
from imagineerd.jobs import GenerateSpec
from imagineerd.worker.compiling import Shape, Way
from imagineerd.worker.context import Context
from imagineerd.worker.decode import Decoded, decode, decode_size
from imagineerd.worker.denoise import LATENT_FACTOR, denoise, guided, row_of, waves
from imagineerd.worker.devices import synchronize
from imagineerd.worker.memory import within_memory
from imagineerd.worker.mixing import Applied, apply_mix
from imagineerd.worker.models import Model, sliced_attention
from imagineerd.worker.open_orders import OpenOrder
from imagineerd.worker.outputs import write_take
from imagineerd.worker.preview import Previewer
from imagineerd.worker.racing import way_for
from imagineerd.worker.sidecar import describe
from imagineerd.worker.spans import Span
from imagineerd.worker.tuning import Cells


@dataclass(frozen=True)
class _Drawing:
    """What pictures that are drawn together share.

    `batch_size` is the fixed size of the call, `unet` the way to call it where there is a faster one than the plain
    UNet. `halved` and `sliced` say what was done for want of memory.
    """

    order: OpenOrder
    spec: GenerateSpec
    model: Model
    mix: tuple[Applied, ...]
    batch_size: int
    cells: Cells
    context: Context
    unet: Way | None = None
    halved: bool = False
    sliced: bool = False

    def give_back(self) -> None:
        """Give back all memory that this order does not need."""
        self.model.captures.give_back()
        self.context.library.keep(1)

    def for_wave_of(self, item: link.Item) -> _Drawing:
        """Return the same with the fastest way to call the UNet for a wave of such items; none is sliced."""
        if self.sliced:
            return replace(self, unet=None)
        rows = 2 * self.batch_size if guided(row_of(item.job, item.spec)) else self.batch_size
        return replace(self, unet=way_for(self.model, Shape(rows, *self.cells)))

    def about(self, item: link.Item, decode_batch: int) -> dict[str, Any]:
        """Return a picture's sidecar, but for its duration."""
        return describe(
            item,
            model=self.model,
            mix=self.mix,
            device=self.context.device,
            batch_size=self.batch_size,
            decode_batch=decode_batch,
            compiled=self.unet is not None and self.unet.is_compiled,
            sliced=self.sliced or self.context.device.slice_attention,
        )


def run(order: OpenOrder, context: Context) -> None:
    """Draw every job of the order and have each answered for. What is not when this raises, failed by it.

    Where memory runs out, all other models go and the call is halved, down to one picture; then attention is sliced for
    it, and what does not fit even then fails alone.
    """
    drawing = within_memory(lambda: _prepare(order, context), lambda: context.library.keep(0), tries=2)
    parts = waves(order.render.items, drawing.batch_size, lambda item: guided(row_of(item.job, item.spec)))
    for done, items in enumerate(parts):
        _draw_wave(drawing, items, _step_reporter(drawing, done, len(parts)))


def _prepare(order: OpenOrder, context: Context) -> _Drawing:
    """Bring model and mix into memory."""
    render = order.render
    spec = render.items[0].spec
    model = context.library.get(render.source)
    mix = _mix(order, model, spec)
    _check_unchanged(spec, mix)
    cells = Cells(spec.height // LATENT_FACTOR, spec.width // LATENT_FACTOR)
    size = context.tuning.size(model, cells, render.batch_size)
    order.call_seconds = context.tuning.call_seconds(model, cells)
    return _Drawing(order, spec, model, mix, size, cells, context)


def _mix(order: OpenOrder, model: Model, spec: GenerateSpec) -> tuple[Applied, ...]:
    """Bring the model to the order's mix, and note how long that takes."""
    before, span = model.mix, Span(model.device)
    mix = apply_mix(model, _loras(order.render, spec))
    order.mixing = None if mix is before else span.end()
    return mix


def _loras(render: link.Render, spec: GenerateSpec) -> list[tuple[str, str, float]]:
    """Return (name, path, weight) of the mix. Raises `LoraError` where the order names no file."""
    paths = dict(render.loras)
    for lora in spec.mix:
        if lora.name not in paths:
            raise LoraError(f'The LoRA "{lora.name}" is not in the library any more.')
    return [(lora.name, paths[lora.name], lora.weight) for lora in spec.mix]


def _check_unchanged(spec: GenerateSpec, mix: tuple[Applied, ...]) -> None:
    """Raise `LoraError` where a file is not the one that was accepted with the job."""
    for lora, applied in zip(spec.mix, mix, strict=True):
        if lora.sha256 and lora.sha256 != applied.sha256:
            raise LoraError(
                f'The file of the LoRA "{lora.name}" has changed since the job was accepted: '
                "put the old file back, or deal again."
            )


def _step_reporter(drawing: _Drawing, wave: int, of: int) -> Callable[[int, int], None]:
    """Return a callback that reports the steps of all waves of the order as one count."""
    started = time.monotonic()

    def report(step: int, steps: int) -> None:
        per_step = (time.monotonic() - started) / step
        number = drawing.order.render.order
        drawing.context.mailbox.send(link.Step(wave * steps + step, of * steps, per_step, number))

    return report


def _draw_wave(drawing: _Drawing, items: list[link.Item], on_step: Callable[[int, int], None]) -> None:
    """Sample and decode, and have the pictures written. Cancelled jobs are answered for."""
    order = drawing.order
    items = [item for item in items if not order.stop_if_cancelled(item)]
    if not items:
        return
    drawing = drawing.for_wave_of(items[0])
    tries = 1 if drawing.model.captures.is_empty else 2  # what is captured may be all that is in the way
    started = time.monotonic()
    try:
        latents = within_memory(lambda: _sample(drawing, items, on_step), drawing.give_back, tries=tries)
    except OutOfMemory as error:
        _draw_halves(drawing, items, on_step, error)
        return
    if latents is None:
        for item in items:
            order.stop_if_cancelled(item)
        return
    share = (time.monotonic() - started) / len(items)
    if drawing.halved:
        drawing.context.tuning.fitted(drawing.model, drawing.cells, drawing.batch_size)
    size = decode_size(drawing.model, drawing.context.device, latents, drawing.batch_size)
    for start in range(0, len(items), size):
        _finish(drawing, items[start : start + size], latents[start : start + size], size, share)


def _sample(drawing: _Drawing, items: list[link.Item], on_step: Callable[[int, int], None]) -> torch.Tensor | None:
    """Return the latents of a wave when the device has them, None as soon as all of it is cancelled."""
    latents = denoise(
        drawing.model,
        [row_of(item.job, item.spec) for item in items],
        drawing.spec,
        drawing.batch_size,
        unet=drawing.unet,
        on_predicted=Previewer(drawing.context.mailbox, drawing.model, items),
        on_step=on_step,
        cancelled=drawing.order.cancelled,
    )
    synchronize(drawing.context.device)  # so that the time is the device's; it costs one launch in a wave
    return latents


def _draw_halves(
    drawing: _Drawing, items: list[link.Item], on_step: Callable[[int, int], None], error: OutOfMemory
) -> None:
    """Draw what did not fit in two calls of half the size, what does not fit alone with sliced attention."""
    half = drawing.batch_size // 2
    if half:
        for start in range(0, len(items), half):
            _draw_wave(replace(drawing, batch_size=half, halved=True), items[start : start + half], on_step)
    elif drawing.sliced or drawing.context.device.slice_attention:
        _fail(drawing, items, error)
    else:
        with sliced_attention(drawing.model):
            _draw_wave(replace(drawing, sliced=True), items, on_step)


def _finish(drawing: _Drawing, items: list[link.Item], latents: torch.Tensor, size: int, share: float) -> None:
    """Decode some pictures in one call, one by one where that does not fit, and have them written."""
    try:
        decoded = within_memory(lambda: decode(drawing.model, latents, size), drawing.give_back, tries=2)
    except OutOfMemory as error:
        if size == 1:
            _fail(drawing, items, error)
        for row, item in enumerate(items if size > 1 else ()):
            _finish(drawing, [item], latents[row : row + 1], 1, share)
        return
    for row, item in enumerate(items):
        if not drawing.order.stop_if_cancelled(item):
            drawing.order.write(item, partial(_write, item, drawing.about(item, size), decoded, row, share))


def _fail(drawing: _Drawing, items: list[link.Item], error: ImagineerError) -> None:
    for item in items:
        drawing.order.answer(link.Failed(item.job, item.attempt, error.code, error.message))


def _write(item: link.Item, about: dict[str, Any], decoded: Decoded, row: int, share: float) -> link.Finished:
    """Write the files of a take, in a thread; `share` is in seconds, the picture's part of the sampling."""
    picture = decoded.picture(row)
    duration = share + decoded.seconds() / len(decoded.levels)
    take = write_take(Path(item.stem), picture, {**about, "duration": round(duration, 3)})
    return link.Finished(
        job=item.job,
        attempt=item.attempt,
        file=take.path.name,
        seed=item.spec.seed,
        width=picture.shape[1],
        height=picture.shape[0],
        bytes=take.bytes,
        sha256=take.sha256,
        color=take.color,
        duration=duration,
        model_revision=about["model_revision"],
    )
