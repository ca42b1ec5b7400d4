"""The samplers: each draws the starter model's card, none by way of pixels, all as the model's schedule has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from imagineerd import link
from imagineerd.jobs import SCHEDULERS, GenerateSpec, Scheduler
from imagineerd.worker import devices, samplers
from imagineerd.worker.decode import decode
from imagineerd.worker.denoise import denoise, row_of
from imagineerd.worker.models import Model, load
from imagineerd.worker.samplers import make_scheduler, uses_karras

STARTER = Path(samplers.__file__).parents[1] / "starter" / "model"
KARRAS = {"use_karras_sigmas": True}


@cache
def starter() -> Model:
    device = devices.choose(link.Hardware(device="cpu"))
    return load(link.ModelSource("starter", str(STARTER)), device, link.Configure(link.Hardware()), lambda _: None)


@cache
def card(name: Scheduler) -> torch.Tensor:
    """Draw one card with the starter model; its levels from 0 to 1."""
    wanted = GenerateSpec("Queen of Hearts, gold on black", 128, 192, 20, 3.0, 1, "starter", scheduler=name)
    latents = denoise(starter(), [row_of(1, wanted)], wanted, 1)
    assert latents is not None
    return decode(starter(), latents, 1).picture(0).float() / 255


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_sampler_draws_about_the_same_card(name: Scheduler) -> None:
    assert (card(name) - card("dpm++")).abs().mean() < 0.08


@pytest.mark.parametrize("name", SCHEDULERS)
def test_karras_noise_levels_are_said_of_a_sampler_that_takes_them(name: Scheduler) -> None:
    times = [make_scheduler(name, config, 5).timesteps.tolist() for config in (KARRAS, {})]

    assert uses_karras(name, KARRAS) == (times[0] != times[1])
    assert not uses_karras(name, {})


def test_a_model_whose_schedule_ends_in_noise_is_drawn_from_noise() -> None:
    config = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "steps_offset": 1}

    scheduler: Any = make_scheduler("dpm++", config, 20)

    assert int(scheduler.timesteps[0]) == 999
    assert float(scheduler.alphas_cumprod[-1]) < 1e-6
