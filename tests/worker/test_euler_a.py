"""The ancestral Euler sampler equals diffusers', noise for noise."""

from __future__ import annotations

import pytest
import torch
from diffusers import EulerAncestralDiscreteScheduler

from imagineerd.worker.euler_a import AncestralEulerScheduler

SHAPE = (1, 4, 8, 8)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_given_the_same_noise_it_takes_the_same_steps(prediction: str) -> None:
    theirs, ours = (
        kind(prediction_type=prediction) for kind in (EulerAncestralDiscreteScheduler, AncestralEulerScheduler)
    )
    theirs.set_timesteps(5)
    ours.set_timesteps(5)
    drawn, given = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    here = there = torch.randn(SHAPE) * theirs.init_noise_sigma
    for time in theirs.timesteps:
        said = torch.tanh(theirs.scale_model_input(there, time))
        ours.scale_model_input(here, time)
        there = theirs.step(said, time, there, generator=drawn, return_dict=False)[0]
        noise = torch.randn(SHAPE, generator=given)
        here = ours.step(said, time, here, variance_noise=noise, return_dict=False)[0]

        torch.testing.assert_close(here, there, rtol=1e-6, atol=1e-6)
