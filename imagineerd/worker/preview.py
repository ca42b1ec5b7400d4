"""Small pictures of what is being drawn, for those who watch: no VAE, a linear map from latents to RGB.

The average colour of 8 x 8 pixels is close to a linear function of their latent cell (the idea:
discuss.huggingface.co/t/23204). The map is our own least-squares fit for each model, made from what its VAE decodes
soft noise to. With the starter model at its own size it explains 78 % of the variance of true pictures; the best linear
map, 81 %.

What is shown is where the sampler is heading: the denoised latents that the UNet's prediction implies, not the noisy
ones of the step. On CUDA their copy is not waited for: it is shown a step later, and what would overtake it is dropped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import torch
from torch.nn import functional

from imagineerd import link
from imagineerd.errors import OutOfMemory
from imagineerd.worker.decode import on_its_way
from imagineerd.worker.denoise import LATENT_FACTOR, Prediction
from imagineerd.worker.devices import Device, free_cached
from imagineerd.worker.failures import is_out_of_memory
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.memory import within_memory
from imagineerd.worker.models import Model
from imagineerd.worker.spans import event_on

SAMPLES: Final = 8
"""Latents that the map is fitted to; twice as many fit no better."""
CELLS: Final = 16
"""Their side; the noise varies over a quarter of it, as real latents do."""


class _Coming(NamedTuple):
    """Latents [B, 4, h, w] of some rows on their way to the host; they are there when the event came, if it has one."""

    step: int
    steps: int
    rows: list[int]
    latents: torch.Tensor
    event: Any


class Previewer:
    """Sends previews of the pictures of a wave. Does nothing for a job that nobody watches."""

    def __init__(self, mailbox: Mailbox, model: Model, items: Sequence[link.Item]) -> None:
        self._mailbox = mailbox
        self._model = model
        self._items = items
        self._sent: dict[int, float] = {}
        self._coming: _Coming | None = None

    def __call__(self, prediction: Prediction) -> None:
        """Show what is due; memory that runs out costs the preview, not the picture."""
        try:
            self._show_what_came()
            if self._coming is None:
                self._bring_what_is_due(prediction)
                self._show_what_came()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise

    def _bring_what_is_due(self, prediction: Prediction) -> None:
        watch = self._mailbox.watch
        due = [row for row, item in enumerate(self._items) if self._is_due(item, watch)]
        if due:
            self._coming = _bring(prediction, due)

    def _show_what_came(self) -> None:
        coming = self._coming
        if coming is None or not (coming.event is None or coming.event.query()):
            return
        self._coming = None
        for row, latent in zip(coming.rows, coming.latents, strict=True):
            picture = picture_of(latent, map_of(self._model), self._mailbox.watch.max_side)
            self._send(self._items[row].job, coming, picture)

    def _is_due(self, item: link.Item, watch: link.Watch) -> bool:
        if not watch.covers(item):
            return False
        now = time.monotonic()
        if now - self._sent.get(item.job, float("-inf")) < 1 / watch.rate:
            return False
        self._sent[item.job] = now
        return True

    def _send(self, job: int, coming: _Coming, picture: torch.Tensor) -> None:
        height, width, _ = picture.shape
        rgb = picture.numpy().tobytes()
        self._mailbox.send(link.Preview(job, coming.step, coming.steps, width, height, rgb))


def _bring(prediction: Prediction, rows: list[int]) -> _Coming:
    """Start to copy what these rows are heading for to the host."""
    clean = denoised(prediction)  # picked row by row: a list as an index is brought to a GPU, and waited for
    latents = on_its_way(torch.stack([clean[row] for row in rows]).float())
    return _Coming(prediction.step, prediction.steps, rows, latents, event_on(prediction.latents.device))


def denoised(prediction: Prediction) -> torch.Tensor:
    """Return the latents [B, 4, h, w] that the sampler would end with if it took the UNet at its word."""
    scheduler, at = prediction.scheduler, prediction.time
    noisy = scheduler.scale_model_input(prediction.latents, at)  # variance-preserving, whatever the sampler steps with
    kept = float(scheduler.alphas_cumprod[round(float(at))])
    signal, noise = kept**0.5, (1 - kept) ** 0.5
    clean: torch.Tensor
    match scheduler.config.prediction_type:
        case "v_prediction":
            clean = signal * noisy - noise * prediction.predicted
        case "sample":
            clean = prediction.predicted
        case _:
            clean = (noisy - noise * prediction.predicted) / signal
    return clean


def picture_of(latent: torch.Tensor, rgb_map: torch.Tensor, max_side: int) -> torch.Tensor:
    """Return a latent [4, h, w] as uint8 [h, w, 3] on the CPU, shrunk to at most `max_side` pixels a side."""
    cells = latent.float().cpu()
    colours = torch.einsum("chw,cr->rhw", cells, rgb_map[:-1]) + rgb_map[-1].view(3, 1, 1)
    height, width = colours.shape[1:]
    scale = min(1.0, max_side / max(height, width))
    size = (max(1, int(height * scale)), max(1, int(width * scale)))
    small = functional.adaptive_avg_pool2d(colours, size)
    return (small * 255).round().clamp(0, 255).nan_to_num().to(torch.uint8).permute(1, 2, 0).contiguous()


def fit_ahead(model: Model, device: Device) -> None:
    """On CUDA fit the model's map before anything is drawn, as that waits for the device; elsewhere nobody does.

    Without memory for it the first preview tries again.
    """
    if device.kind == "cuda":
        with contextlib.suppress(OutOfMemory):
            within_memory(lambda: map_of(model), lambda: free_cached(device))


def map_of(model: Model) -> torch.Tensor:
    """Return the model's map, fitted when it is first asked for."""
    if model.rgb_map is None:
        model.rgb_map = fit(model)
    return model.rgb_map


@torch.no_grad()
def fit(model: Model) -> torch.Tensor:
    """Return [channels + 1, 3]: RGB from 0 to 1 is `latent @ map[:-1] + map[-1]`. The same for the same VAE."""
    generator = torch.Generator("cpu").manual_seed(0)
    channels = model.unet.config.in_channels
    noise = torch.randn((SAMPLES, channels, CELLS // 4, CELLS // 4), generator=generator)
    latents = functional.interpolate(noise, size=(CELLS, CELLS), mode="bicubic")
    colours = torch.cat([_colours(model, latent) for latent in latents])
    cells = latents.permute(0, 2, 3, 1).reshape(-1, channels)
    known = torch.cat([cells, torch.ones(len(cells), 1)], dim=1)
    solution: Any = torch.linalg.lstsq(known.double(), colours.double()).solution
    return torch.as_tensor(solution).float()


def _colours(model: Model, latent: torch.Tensor) -> torch.Tensor:
    """Decode a latent [4, h, w]; return the average colour of each cell as [h * w, 3] from 0 to 1."""
    scaled = latent[None].to(model.device, model.dtype) / model.vae.config.scaling_factor
    image = model.vae.decode(scaled, return_dict=False)[0].float().cpu()
    levels = (image / 2 + 0.5).clamp(0, 1)
    return functional.avg_pool2d(levels, LATENT_FACTOR)[0].permute(1, 2, 0).reshape(-1, 3)
