"""From latents to pictures: the VAE, 8-bit levels made on the device, and one copy to the host.

The copy goes to pinned memory and nobody waits for it here: who writes the picture does, in a thread of its own, while
the device goes on. So whether a picture is black is found there, too.

A call decodes a fixed number of latents, padded with copies of the first one, so that a picture's bits depend on that
number (`decode_size`, told in the sidecar) and on no neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from imagineerd.errors import ModelError
from imagineerd.worker.devices import Device
from imagineerd.worker.models import Model
from imagineerd.worker.spans import Span

Picture = torch.Tensor
"""uint8, [height, width, 3], on the CPU."""

SIZES: Final = (4, 2, 1)
MAPS: Final = 6
"""Feature maps of the second level's width and the picture's size that a decode holds at its peak, about."""
SHARE: Final = 8
"""A decode may take one part in so many of the device's memory: most of it is the UNet's and the weights'."""


@dataclass(frozen=True)
class Decoded:
    """Pictures on their way to the host: `levels` is uint8 [B, height, width, 3], `sound` bool [2, B].

    `sound` says of latents and of pictures whether all their numbers are finite. Both are there when the `span` ended.
    """

    levels: torch.Tensor
    sound: torch.Tensor
    dtype: torch.dtype
    span: Span

    def picture(self, row: int) -> Picture:
        """Wait for the copy; return one picture. Raises `ModelError` where it is not finite: it would be black."""
        self.span.wait()
        latent_is_sound, picture_is_sound = self.sound[:, row].tolist()
        if not latent_is_sound:
            raise ModelError(
                f"The UNet gave NaN or infinity in {self._precision}, so nothing was saved: take a lower guidance "
                f"scale, lower LoRA weights or another sampler{self._or_full_precision}."
            )
        if not picture_is_sound:
            raise ModelError(
                f"The VAE gave NaN or infinity in {self._precision}, so nothing was saved: take a model with another "
                f"VAE{self._or_full_precision}."
            )
        return self.levels[row]

    def seconds(self) -> float:
        """Wait for the copy; return the seconds that all these pictures took."""
        return self.span.seconds()

    @property
    def _precision(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    @property
    def _or_full_precision(self) -> str:
        """The remedy for what only happens with 16 bits, where that is what the model runs in."""
        return "" if self.dtype == torch.float32 else ", or set hardware.mixed_precision to false"


def decode_size(model: Model, device: Device, latents: torch.Tensor, batch_size: int) -> int:
    """Return how many of these latents [B, 4, h, w] one call decodes: at most `batch_size`, less where memory is small.

    It depends on the device's whole memory, not on what is free of it just now.
    """
    factor = 2 ** (len(model.vae.config.block_out_channels) - 1)
    pixels = latents.shape[2] * latents.shape[3] * factor**2
    each = MAPS * model.vae.config.block_out_channels[1] * pixels * model.dtype.itemsize
    return next(size for size in SIZES if size == 1 or (size <= batch_size and size * each * SHARE <= device.memory))


@torch.no_grad()
def decode(model: Model, latents: torch.Tensor, size: int) -> Decoded:
    """Decode at most `size` latents [B, 4, h, w] in a call of exactly that size, and start to bring them here."""
    span = Span(model.device)
    padded = torch.cat([latents, latents[:1].expand(size - len(latents), -1, -1, -1)])
    images = model.vae.decode(padded / model.vae.config.scaling_factor, return_dict=False)[0][: len(latents)]
    sound = torch.stack([_is_finite(latents), _is_finite(images)])
    shades = (images / 2 + 0.5).clamp(0, 1).float().permute(0, 2, 3, 1).contiguous()
    levels = (shades * 255).round().to(torch.uint8)
    return Decoded(on_its_way(levels), on_its_way(sound), model.dtype, span.end())


def _is_finite(values: torch.Tensor) -> torch.Tensor:
    """Return for each row [B, …] whether all of it is finite."""
    return torch.isfinite(values).flatten(1).all(1)


def on_its_way(values: torch.Tensor) -> torch.Tensor:
    """Return where the values are on the host, or soon: page-locked memory, as only a copy to that waits for nobody."""
    if values.device.type != "cuda":
        return values.cpu()
    here = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return here.copy_(values, non_blocking=True)
