"""Trains the UNet and the text encoder together, on latents, to predict velocity."""

from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from imagineerd.starter import train_decoder
from imagineerd.starter.fitting import Course, Fit
from imagineerd.starter.network import TEXT_LENGTH, Networks, new_scheduler, new_text_encoder, new_unet
from imagineerd.starter.parallel import peers
from imagineerd.starter.pictures import Label, batches
from imagineerd.starter.prompts import PromptWriter, read_decks

BATCH = 32
SNR_LIMIT = 5.0  # signal to noise above which a time counts less; noisy ones, where words decide, count in full
TELLING_WEIGHT = 4.0  # of the cells of a latent that tell its card from others; the rest of it counts once
SECOND_SHARE = 0.15  # of the prompts; oftener than people do it, since only they teach that the first theme counts
BLACK_SUITS = (" of Spades", " of Clubs")
CHECKPOINT = "unet.pt"


class Denoiser(nn.Module):
    """The two networks that are trained together, from random weights or a finished model's."""

    def __init__(self, start: Path | None = None) -> None:
        super().__init__()
        self.text_encoder = new_text_encoder()
        self.unet = new_unet()
        if start is not None:
            self.text_encoder = CLIPTextModel.from_pretrained(start, subfolder="text_encoder").float().train()
            self.unet = UNet2DConditionModel.from_pretrained(start, subfolder="unet").float().train()
        self.unet.to(memory_format=torch.channels_last)

    def forward(self, noisy: Tensor, times: Tensor, tokens: Tensor) -> Tensor:
        """Latents [b, 4, h, w], times [b] 0..999, token ids [b, 77] -> velocity [b, 4, h, w]."""
        states = self.text_encoder(tokens).last_hidden_state
        predicted: Tensor = self.unet(noisy, times, states).sample
        return predicted


def spread_times(count: int) -> Tensor:
    """Random times [count], one from each of `count` equal parts of 0..999."""
    return ((torch.randperm(count) + torch.rand(count)) * (1000 / count)).long().clamp(max=999)


def velocity_loss(
    model: Denoiser, clean: Tensor, tokens: Tensor, kept: Tensor, telling: Tensor | None = None
) -> Tensor:
    """Weighted squared error; `kept` [1000] is the share of signal power left at each time, `telling` [b, h, w] says
    which cells of the latents tell their card from others.
    """
    times, noise = spread_times(len(clean)), torch.randn_like(clean)
    power = kept[times][:, None, None, None]
    signal, grain = power.sqrt(), (1 - power).sqrt()
    noisy = (signal * clean + grain * noise).to(memory_format=torch.channels_last)
    error = model(noisy, times, tokens) - (signal * noise - grain * clean)
    snr = kept[times] / (1 - kept[times])
    weighted: Tensor = (SNR_LIMIT / snr).clamp(max=1) * mean_over_cells(error.square().mean(dim=1), telling)
    return weighted.mean()


def mean_over_cells(error: Tensor, telling: Tensor | None) -> Tensor:
    """Errors [b, h, w] -> [b], those of the telling cells counted `TELLING_WEIGHT` times."""
    weight = torch.ones_like(error) if telling is None else 1 + (TELLING_WEIGHT - 1) * telling
    mean: Tensor = (weight * error).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
    return mean


def tokenise(tokenizer: CLIPTokenizer, prompts: list[str]) -> Tensor:
    """Token ids [b, 77], cut and padded."""
    batch = tokenizer(prompts, padding="max_length", truncation=True, max_length=TEXT_LENGTH, return_tensors="pt")
    ids: Tensor = batch.input_ids
    return ids


def shape_of(step: int) -> str:
    """Which shape of card a step learns: every eighth step another than the upright one."""
    return {3: "square", 11: "landscape"}.get(step % 16, "portrait")


def lessons(labels: list[Label]) -> NDArray[np.int64]:
    """The cards of one pass [n]: each once, those of the black suits twice, which only small shapes tell apart."""
    black = [i for i, label in enumerate(labels) if label.concept.endswith(BLACK_SUITS)]
    return np.concatenate([np.arange(len(labels)), np.array(black, np.int64)])


def _latents(work: Path, shape: str) -> Tensor:
    return torch.from_numpy(np.load(work / ("latents.npy" if shape == "portrait" else f"latents-{shape}.npy")))


def train(rank: int, labels: dict[str, list[Label]], work: Path, course: Course, start: Path | None = None) -> None:
    """One process of the training on the latents in `work`; the checkpoint there holds the result."""
    torch.manual_seed(rank)
    latents = {shape: _latents(work, shape) for shape in labels}
    telling = {shape: torch.from_numpy(np.load(work / f"telling-{shape}.npy")) for shape in labels}
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    model = Denoiser(start)
    fit = Fit(model, course, work / CHECKPOINT, rank)
    torch.manual_seed(1000 * fit.step + rank)
    rng = np.random.default_rng([rank, fit.step])
    writer = PromptWriter(read_decks(), Random(1000 * fit.step + rank), second_share=SECOND_SHARE)  # noqa: S311
    cards = {shape: lessons(shown) for shape, shown in labels.items()}
    orders = {shape: batches(len(once), BATCH // peers(), rng) for shape, once in cards.items()}
    kept = new_scheduler().alphas_cumprod

    def loss(step: int, _progress: float) -> Tensor:
        shape = shape_of(step)
        chosen = cards[shape][next(orders[shape])]
        tokens = tokenise(tokenizer, [writer.write(labels[shape][i]) for i in chosen])
        return velocity_loss(model, latents[shape][chosen], tokens, kept, telling[shape][chosen])

    fit.run(loss)


def load(work: Path) -> Networks:
    """All three networks: the averaged weights of the checkpoints in `work`."""
    model = Denoiser()
    model.load_state_dict(torch.load(work / CHECKPOINT, weights_only=True)["averaged"])
    return Networks(model.text_encoder.eval(), model.unet.eval(), train_decoder.load(work))
