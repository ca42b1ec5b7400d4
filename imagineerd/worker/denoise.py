"""From prompts and seeds to latents: the sampling loop around the text encoder, UNet and scheduler of diffusers.

Two rules make a seed mean one picture:

1. Noise is drawn per row on the CPU in fp32, shape [1, 4, h, w], and cast; samplers that draw again go on with the
   same generator.
2. Every call has a fixed shape: prompts are encoded one at a time, and the UNet sees exactly `batch_size` rows, padded
   with copies of the first one. So neither neighbours nor the slot change a bit of a row.

With guidance (scale > 1) the UNet sees 2 x batch_size rows, otherwise batch_size: rows of both sorts never share a call
(`waves`). Classifier-free guidance: arXiv 2207.12598, in the form of Imagen (w = 1 is none), like diffusers.

Rows of one call may differ in prompts, seed and guidance, but not in steps: a scheduler keeps one history for all its
rows, and those with fewer steps would be padding for the rest of the call. Jobs are grouped by their steps instead.

A GPU is given a step while it does the one before. So it never waits, and a cancel, the progress and previews are true
to a step; how many steps its own queue would hold depends on the kernels of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import torch

from imagineerd.jobs import GenerateSpec
from imagineerd.worker.compiling import Eager
from imagineerd.worker.devices import brought_to
from imagineerd.worker.models import Model
from imagineerd.worker.samplers import TAKE_NOISE, make_scheduler
from imagineerd.worker.spans import Pace

LATENT_FACTOR = 8
"""Pixels per latent cell and side, for every SD 1.x autoencoder."""


@dataclass(frozen=True)
class Row:
    """One picture of a wave; its size, steps and sampler are those of the order."""

    job: int
    prompt: str
    negative_prompt: str
    seed: int
    guidance_scale: float


class Prediction(NamedTuple):
    """What the UNet said at a step, before the scheduler takes it.

    Steps count from 1, `time` is on the host, the other tensors are [B, 4, h, w].
    """

    step: int
    steps: int
    scheduler: Any
    time: torch.Tensor
    latents: torch.Tensor
    predicted: torch.Tensor


def row_of(job: int, spec: GenerateSpec) -> Row:
    """Return the row that a spec asks for."""
    return Row(job, spec.prompt, spec.negative_prompt, spec.seed, spec.guidance_scale)


def guided(row: Row) -> bool:
    """Say whether the row needs the negative prompt at all."""
    return row.guidance_scale > 1


Unet = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(rows [B, 4, h, w], time, text [B, 77, width]) -> prediction [B, 4, h, w]."""
T = TypeVar("T")


def waves(rows: Sequence[T], batch_size: int, key: Callable[[T], bool]) -> list[list[T]]:
    """Split rows into waves of at most `batch_size` whose `key` is the same, keeping the order within."""
    sorts = [[row for row in rows if key(row)], [row for row in rows if not key(row)]]
    return [sort[start : start + batch_size] for sort in sorts for start in range(0, len(sort), batch_size)]


@torch.no_grad()
def denoise(  # noqa: PLR0913 - a sampling loop's inputs and its three hooks
    model: Model,
    rows: Sequence[Row],
    spec: GenerateSpec,
    batch_size: int,
    *,
    unet: Unet | None = None,
    on_predicted: Callable[[Prediction], None] = lambda _prediction: None,
    on_step: Callable[[int, int], None] = lambda _step, _steps: None,
    cancelled: Callable[[int], bool] = lambda _job: False,
) -> torch.Tensor | None:
    """Return the latents [len(rows), 4, h, w] of one wave, or None as soon as all its rows are cancelled.

    `spec` gives size, steps and sampler; `unet` stands in for the model's own; `on_step(done, of)` counts UNet calls,
    `on_predicted` looks at what each of them said. A row that is cancelled alone goes on unseen, as leaving it out
    would change the shape of the call and so the other rows' bits.
    """
    padded = [*rows, *[rows[0]] * (batch_size - len(rows))]
    scheduler = make_scheduler(spec.scheduler, model.scheduler_config, spec.steps)
    generators = [torch.Generator("cpu").manual_seed(row.seed) for row in padded]
    text = _text(model, padded)
    unet = unet or Eager(model.unet)
    noise = partial(_noise, model, generators, spec)
    latents: torch.Tensor = noise(model.dtype) * scheduler.init_noise_sigma
    scales = brought_to(model.device, torch.tensor([row.guidance_scale for row in padded]).view(-1, 1, 1, 1))
    times = brought_to(model.device, scheduler.timesteps)
    steps, pace = len(scheduler.timesteps), Pace(model.device)
    for index, time in enumerate(scheduler.timesteps):
        if all(cancelled(row.job) for row in rows):
            return None
        given = scheduler.scale_model_input(latents, time)
        predicted = _predict(unet, given, times[index], text, scales)
        on_predicted(Prediction(index + 1, steps, scheduler, time, latents, predicted))
        extra = {"variance_noise": noise(torch.float32)} if spec.scheduler in TAKE_NOISE else {}
        latents = scheduler.step(predicted, time, latents, **extra, return_dict=False)[0]
        pace.step()
        on_step(index + 1, steps)
    return latents[: len(rows)]


def encode(model: Model, text: str) -> torch.Tensor:
    """Return the embedding [1, 77, width] of a prompt by the mix's text encoder; tokens past 77 are cut off. Cached."""
    return model.prompts.get((model.text_mix, text), lambda: _embedding(model, text))


@torch.no_grad()
def _embedding(model: Model, text: str) -> torch.Tensor:
    tokens = model.tokenizer(
        text,
        padding="max_length",
        max_length=model.tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    ids = brought_to(model.device, tokens.input_ids)
    encoder = model.captures.of(_TextEncoder(model), "a prompt", lambda: (torch.zeros_like(ids),))
    return encoder(ids).to(model.dtype)


class _TextEncoder:
    """Gives the embedding [1, 77, width] of the tokens [1, 77] of a prompt."""

    is_compiled: Final = False

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self._model.text_encoder(ids)[0]
        return embedding


def _text(model: Model, rows: Sequence[Row]) -> torch.Tensor:
    """Return [2B, 77, width] with the negative prompts first where rows are guided, else [B, 77, width]."""
    texts = [row.prompt for row in rows]
    if guided(rows[0]):
        texts = [row.negative_prompt for row in rows] + texts
    return torch.cat([encode(model, text) for text in texts])


def _noise(model: Model, generators: Sequence[torch.Generator], spec: GenerateSpec, dtype: torch.dtype) -> torch.Tensor:
    shape = (
        1,
        model.unet.config.in_channels,
        spec.height // LATENT_FACTOR,
        spec.width // LATENT_FACTOR,
    )
    drawn = [torch.randn(shape, generator=generator) for generator in generators]
    return brought_to(model.device, torch.cat(drawn).to(dtype))


def _predict(
    unet: Unet, latents: torch.Tensor, time: torch.Tensor, text: torch.Tensor, scales: torch.Tensor
) -> torch.Tensor:
    """Return what the scheduler steps with: the UNet's prediction, guided where `text` holds both sorts of prompt."""
    if len(text) == len(latents):
        return unet(latents, time, text)
    negative, positive = unet(torch.cat([latents, latents]), time, text).chunk(2)
    return (negative + scales * (positive - negative)).to(latents.dtype)
