"""UniPC on the host takes the steps that diffusers' takes on the latents' device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import UniPCMultistepScheduler

from imagineerd.worker.unipc import UniPCScheduler


def drawn(kind: Any, steps: int, **config: Any) -> list[torch.Tensor]:
    """Return the latents of all steps from the same noise, by what a made-up model says in fp64."""
    scheduler = kind(**config)
    scheduler.set_timesteps(steps)
    scheduler.set_begin_index(0)
    latents, seen = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64), []
    for time in scheduler.timesteps:
        latents = scheduler.step(torch.tanh(latents) + time / 1000, time, latents, return_dict=False)[0]
        seen.append(latents)
    return seen


@pytest.mark.parametrize("solver", ["bh1", "bh2"])
@pytest.mark.parametrize("predict_x0", [True, False])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_it_equals_diffusers(solver: str, order: int, *, predict_x0: bool) -> None:
    config = {"solver_type": solver, "solver_order": order, "predict_x0": predict_x0, "use_karras_sigmas": True}
    ours, theirs = (  # to the smallest noise: diffusers has NaN for a step to none by bh1, or where noise is predicted
        drawn(kind, 12, **config, final_sigmas_type="sigma_min") for kind in (UniPCScheduler, UniPCMultistepScheduler)
    )

    for here, there in zip(ours, theirs, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-3, atol=1e-4)
