"""Draw the pictures of an order: model, mix, sampling loop, files."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from imagineerd import link
from imagineerd.errors import ImagineerError, LoraError, OutOfMemory
from imagineerd.jobs import GenerateSpec
from imagineerd.worker.context import Context
from imagineerd.worker.denoise import decode, denoise, guided, row_of, waves
from imagineerd.worker.failures import explain
from imagineerd.worker.memory import within_memory
from imagineerd.worker.mixing import Applied, apply_mix
from imagineerd.worker.models import Model
from imagineerd.worker.outputs import write_take
from imagineerd.worker.preview import Previewer
from imagineerd.worker.sidecar import describe

SAVERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="save")
"""PNG encoding takes about as long as a GPU's decoding; zlib lets go of the GIL."""


@dataclass(frozen=True)
class _Order:
    """What pictures that are drawn together share. `batch_size` is the fixed size of the call."""

    spec: GenerateSpec
    model: Model
    mix: tuple[Applied, ...]
    batch_size: int
    context: Context

    def give_back(self) -> None:
        """Give back all memory that this order does not need."""
        self.context.library.keep(1)


def run(render: link.Render, context: Context) -> None:
    """Draw every job of the order and answer for each. What is not answered for when this raises, failed by it.

    Where memory runs out, all other models go and the call is halved, down to one picture; one that does not fit even
    then fails alone.
    """
    order = within_memory(lambda: _prepare(render, context), lambda: context.library.keep(0), tries=2)
    parts = waves(render.items, render.batch_size, lambda item: guided(row_of(item.job, item.spec)))
    saves: list[Future[None]] = []
    try:
        for done, items in enumerate(parts):
            _draw_wave(order, items, _step_reporter(context, done, len(parts)), saves)
    finally:
        for save in saves:
            save.result()


def _prepare(render: link.Render, context: Context) -> _Order:
    """Bring model and mix into memory."""
    spec = render.items[0].spec
    model = context.library.get(render.source)
    mix = apply_mix(model, _loras(render, spec))
    _check_unchanged(spec, mix)
    return _Order(spec, model, mix, render.batch_size, context)


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


def _step_reporter(context: Context, wave: int, of: int) -> Callable[[int, int], None]:
    """Return a callback that reports the steps of all waves of the order as one count."""
    started = time.monotonic()

    def report(step: int, steps: int) -> None:
        per_step = (time.monotonic() - started) / step
        context.mailbox.send(link.Step(wave * steps + step, of * steps, per_step))

    return report


def _draw_wave(
    order: _Order, items: list[link.Item], on_step: Callable[[int, int], None], saves: list[Future[None]]
) -> None:
    """Sample and decode; `saves` grows by each picture that is handed over. Cancelled jobs are answered for."""
    context = order.context
    items = [item for item in items if not context.stop_if_cancelled(item)]
    if not items:
        return
    started = time.monotonic()
    try:
        latents = within_memory(lambda: _sample(order, items, on_step), order.give_back)
    except OutOfMemory as error:
        _draw_halves(order, items, on_step, saves, error)
        return
    if latents is None:
        for item in items:
            context.stop_if_cancelled(item)
        return
    share = (time.monotonic() - started) / len(items)
    for item, latent in zip(items, latents, strict=True):
        if save := _finish(order, item, latent, share):
            saves.append(save)


def _sample(order: _Order, items: list[link.Item], on_step: Callable[[int, int], None]) -> torch.Tensor | None:
    """Return the latents of a wave, None as soon as all of it is cancelled."""
    return denoise(
        order.model,
        [row_of(item.job, item.spec) for item in items],
        order.spec,
        order.batch_size,
        on_predicted=Previewer(order.context.mailbox, order.model, items),
        on_step=on_step,
        cancelled=order.context.cancelled,
    )


def _draw_halves(
    order: _Order,
    items: list[link.Item],
    on_step: Callable[[int, int], None],
    saves: list[Future[None]],
    error: OutOfMemory,
) -> None:
    """Draw what did not fit in two calls of half the size; what does not fit alone has failed."""
    half = order.batch_size // 2
    if not half:
        for item in items:
            order.context.answer(link.Failed(item.job, item.attempt, error.code, error.message))
        return
    for start in range(0, len(items), half):
        _draw_wave(replace(order, batch_size=half), items[start : start + half], on_step, saves)


def _finish(order: _Order, item: link.Item, latent: torch.Tensor, share: float) -> Future[None] | None:
    """Decode one picture and have it saved; None where its job is answered for here."""
    context = order.context
    if context.stop_if_cancelled(item):
        return None
    started = time.monotonic()
    try:
        picture = within_memory(lambda: decode(order.model, latent), order.give_back, tries=2)
    except ImagineerError as error:
        context.answer(link.Failed(item.job, item.attempt, error.code, error.message))
        return None
    return SAVERS.submit(_save, order, item, picture, share + time.monotonic() - started)


def _save(order: _Order, item: link.Item, picture: torch.Tensor, duration: float) -> None:
    """Write the files of a take and answer for its job."""
    try:
        order.context.answer(_written(order, item, picture, duration))
    except Exception as error:  # noqa: BLE001 - one picture's trouble is not the next one's
        order.context.answer(link.Failed(item.job, item.attempt, *explain(error)))


def _written(order: _Order, item: link.Item, picture: torch.Tensor, duration: float) -> link.Finished:
    about = describe(
        item,
        model=order.model,
        mix=order.mix,
        device=order.context.device,
        batch_size=order.batch_size,
        duration=duration,
    )
    take = write_take(Path(item.stem), picture, about)
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
        model_revision=order.model.revision,
    )
