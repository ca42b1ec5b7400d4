"""Trains the autoencoder: crops first, then whole pictures; then scales its latents to unit variance."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from imagineerd.starter.fitting import Course, Fit
from imagineerd.starter.network import HEIGHT, WIDTH, new_vae
from imagineerd.starter.parallel import peers
from imagineerd.starter.pictures import batches

CROP = 64  # pixels
CROP_SHARE = 0.15  # of the training time
BATCH = 16  # crops; of whole pictures, six times as large, half as many
KL_WEIGHT = 3e-4
INDEX = (slice(9, 45), slice(6, 30))  # rank and suit in the upper left corner, pixels
INDEX_WEIGHT = 2.5
CHECKPOINT = "autoencoder.pt"


def to_signal(pictures: NDArray[np.uint8]) -> Tensor:
    """[b, h, w, 3] 0..255 -> [b, 3, h, w] -1..1."""
    return torch.tensor(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


@cache
def index_weight(size: tuple[int, int]) -> Tensor:
    """Weights [h, w]: the corner indices of a whole card are small but are what a player reads."""
    weight = torch.ones(size)
    if size == (HEIGHT, WIDTH):
        weight[INDEX] = INDEX_WEIGHT
        weight = torch.maximum(weight, weight.flip(0, 1))
    return weight


def picture_loss(made: Tensor, true: Tensor) -> Tensor:
    """Absolute and squared error, also of edges, of a coarse copy and of the colour differences."""
    error = (made - true) * index_weight(tuple(made.shape[-2:]))
    loss: Tensor = error.abs().mean() + 0.5 * error.square().mean()
    loss += 0.25 * (avg_pool2d(error, 2).abs().mean() + avg_pool2d(error, 4).abs().mean())
    loss += 0.5 * sum(g.abs().mean() for g in _gradients(error))
    chroma = error - error.mean(dim=1, keepdim=True)
    loss += 0.5 * chroma.abs().mean()
    return loss


def _crops(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cut on the 8-px latent grid."""
    top = 8 * rng.integers(0, (pictures.shape[1] - CROP) // 8 + 1)
    left = 8 * rng.integers(0, (pictures.shape[2] - CROP) // 8 + 1)
    return np.ascontiguousarray(pictures[:, top : top + CROP, left : left + CROP])


def _loss(vae: AutoencoderKL, signal: Tensor) -> Tensor:
    latents = vae.encode(signal).latent_dist
    made = vae.decode(latents.sample()).sample
    divergence: Tensor = latents.kl().mean() / latents.mean[0].numel()
    return picture_loss(made, signal) + KL_WEIGHT * divergence


def train(rank: int, pictures_file: Path, work: Path, course: Course, start: Path | None = None) -> None:
    """One process of the training; the checkpoint in `work` holds the result."""
    torch.manual_seed(rank)
    pictures = np.load(pictures_file, mmap_mode="r")
    vae = new_vae() if start is None else AutoencoderKL.from_pretrained(start, subfolder="vae").float().train()
    fit = Fit(vae.to(memory_format=torch.channels_last), course, work / CHECKPOINT, rank)
    rng = np.random.default_rng([rank, fit.step])
    crops = batches(len(pictures), BATCH // peers(), rng)
    wholes = batches(len(pictures), max(1, BATCH // 2 // peers()), rng)

    def loss(_step: int, progress: float) -> Tensor:
        early = progress < CROP_SHARE
        chosen = pictures[np.sort(next(crops if early else wholes))]
        return _loss(fit.model, to_signal(_crops(chosen, rng) if early else chosen))

    fit.run(loss)


def load(work: Path) -> AutoencoderKL:
    """The averaged weights of the checkpoint in `work`."""
    vae = new_vae()
    vae.load_state_dict(torch.load(work / CHECKPOINT, weights_only=True)["averaged"])
    return vae.eval()


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: NDArray[np.uint8], size: int = 32) -> Tensor:
    """The latents' means [n, 4, h / 8, w / 8]."""
    parts = [vae.encode(to_signal(pictures[i : i + size])).latent_dist.mean for i in range(0, len(pictures), size)]
    return torch.cat(parts)


@torch.no_grad()
def normalise(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Folds the latents' mean and spread into the quantising convolutions, so that scaling_factor is 1.

    Returns the latents that the changed encoder gives.
    """
    mean, spread = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
    out, back = vae.quant_conv, vae.post_quant_conv
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= spread[None, :, None, None]
    out.weight[:4] /= spread[:, None, None, None]
    out.bias[:4] = (out.bias[:4] - mean) / spread
    out.bias[4:] -= 2 * spread.log()
    return (latents - mean[:, None, None]) / spread[:, None, None]
