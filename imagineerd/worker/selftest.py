"""Whether a picture's bits depend on its neighbours here: asked of the device once for each model, when it is loaded.

At one fixed batch size they do not on any device that we measured, but neither cuBLAS nor cuDNN promises it. So the
same sample goes through the UNet and the VAE in the first slot and in the last one of the largest call that there is,
among other neighbours, and what comes of it stands in every sidecar (`slot_independent`): where it says false, a
picture that is drawn again in other company may differ in its last bits.
"""

from __future__ import annotations

from typing import Final

import torch

from imagineerd.errors import OutOfMemory
from imagineerd.worker.decode import SIZES, decode
from imagineerd.worker.devices import Device, free_cached
from imagineerd.worker.memory import within_memory
from imagineerd.worker.models import Model

CELLS: Final = {"cuda": 64}
"""Side of the latents; a GPU chooses its kernels by the size, elsewhere the smallest one will do."""
SMALLEST: Final = 8


def slots_are_independent(model: Model, device: Device) -> bool | None:
    """Draw one step of a sample in two slots with other neighbours, and decode it; compare the bits.

    None where there is no memory for it.
    """
    try:
        return within_memory(lambda: _compare(model, device), lambda: free_cached(device))
    except OutOfMemory:
        return None


@torch.no_grad()
def _compare(model: Model, device: Device) -> bool:
    rows, side = 2 * device.batch_sizes[-1], CELLS.get(device.kind, SMALLEST)
    generator = torch.Generator("cpu").manual_seed(0)
    shape = (rows, model.unet.config.in_channels, side, side)
    noise = torch.randn(shape, generator=generator).to(model.device, model.dtype)
    width = model.unet.config.cross_attention_dim
    text = torch.randn((rows, 77, width), generator=generator).to(model.device, model.dtype)
    one = _drawn(model, noise, text, slice(SIZES[0]))[0]
    other = _drawn(model, noise.flip(0), text.flip(0), slice(-SIZES[0], None))[-1]
    return torch.equal(one, other)


def _drawn(model: Model, noise: torch.Tensor, text: torch.Tensor, part: slice) -> torch.Tensor:
    """Return some of the pictures of one step, bit for bit."""
    time = torch.tensor(500, device=model.device)
    predicted = model.unet(noise, time, encoder_hidden_states=text, return_dict=False)[0][part]
    decoded = decode(model, noise[part] - predicted, len(predicted))
    decoded.seconds()  # waits for the copy
    return torch.cat([predicted.float().cpu().flatten(1), decoded.levels.float().flatten(1)], dim=1)
