"""The ancestral Euler sampler, which is given its noise.

diffusers draws it on the host as well, but brings it over by a copy that a GPU is waited for in each step.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler


class AncestralEulerScheduler(EulerAncestralDiscreteScheduler):  # type: ignore[misc]
    """diffusers' sampler but for where its noise comes from."""

    def step(
        self,
        model_output: torch.Tensor,
        _timestep: Any,
        sample: torch.Tensor,
        *,
        variance_noise: torch.Tensor,
        return_dict: bool = False,
    ) -> tuple[torch.Tensor]:
        """Return the next latents, never in a dictionary. All tensors are [B, 4, h, w], `variance_noise` is fp32."""
        del return_dict
        sigma, following = self.sigmas[self.step_index], self.sigmas[self.step_index + 1]
        up = (following**2 * (sigma**2 - following**2) / sigma**2) ** 0.5
        down = (following**2 - up**2) ** 0.5
        noisy = sample.float()
        slope = (noisy - self._clean(model_output, noisy, sigma)) / sigma
        moved = noisy + slope * (down - sigma) + variance_noise * up
        self._step_index += 1
        return (moved.to(model_output.dtype),)

    def _clean(self, model_output: torch.Tensor, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """Return the latents without noise that the model's output implies."""
        match self.config.prediction_type:
            case "v_prediction":
                return model_output * (-sigma / (sigma**2 + 1) ** 0.5) + noisy / (sigma**2 + 1)
            case "sample":
                return model_output
            case _:
                return noisy - sigma * model_output
