"""Trains the decoder on with the encoder left as it is, so that the UNet's latents keep their meaning."""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from imagineerd.starter.fitting import Course, Fit
from imagineerd.starter.network import new_vae
from imagineerd.starter.parallel import peers
from imagineerd.starter.pictures import batches
from imagineerd.starter.train_autoencoder import picture_loss, to_signal

BATCH = 8
GRAIN = 0.04  # noise on the latents: sampled ones are never exact
CHECKPOINT = "decoder.pt"


class Painter(nn.Module):
    """The half of the autoencoder that makes pictures."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = vae.post_quant_conv, vae.decoder

    def forward(self, latents: Tensor) -> Tensor:
        """[b, 4, h, w] -> [b, 3, 8h, 8w]."""
        made: Tensor = self.decoder(self.post_quant_conv(latents))
        return made


def _autoencoder(work: Path) -> AutoencoderKL:
    vae = new_vae()
    vae.load_state_dict(torch.load(work / "vae.pt", weights_only=True))
    return vae


def train(rank: int, pictures_file: Path, work: Path, course: Course) -> None:
    """One process of the training; the checkpoint in `work` holds the result."""
    torch.manual_seed(rank)
    pictures = np.load(pictures_file, mmap_mode="r")
    latents = torch.from_numpy(np.load(work / "latents.npy"))
    painter = Painter(_autoencoder(work).to(memory_format=torch.channels_last))
    fit = Fit(painter, course, work / CHECKPOINT, rank)
    order = batches(len(latents), max(1, BATCH // peers()), np.random.default_rng([rank, fit.step]))

    def loss(_step: int, _progress: float) -> Tensor:
        chosen = np.sort(next(order))
        clean = latents[chosen].to(memory_format=torch.channels_last)
        return picture_loss(painter(clean + GRAIN * torch.randn_like(clean)), to_signal(pictures[chosen]))

    fit.run(loss)


def load(work: Path) -> AutoencoderKL:
    """The autoencoder, with the trained-on decoder once there is one."""
    vae = _autoencoder(work)
    if (work / CHECKPOINT).exists():
        state = torch.load(work / CHECKPOINT, weights_only=True)["averaged"]
        Painter(vae).load_state_dict(state)
    return vae.eval()
