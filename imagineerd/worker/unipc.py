"""The UniPC sampler (arXiv 2302.04867) with its coefficients worked out on the host.

diffusers brings the noise levels of each step to the latents' device and solves for the coefficients there: a hundred
small kernels in a step, and a GPU is waited for some seven times.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler


class _Level(NamedTuple):
    """A noise level: the shares of signal and noise, and half the logarithm of their ratio's square."""

    alpha: torch.Tensor
    sigma: torch.Tensor
    log_ratio: torch.Tensor


_Slope = tuple[float, torch.Tensor]
"""How the model's word changes from the start of a step to another place, and where that is: 1 is the step's end."""


class UniPCScheduler(UniPCMultistepScheduler):  # type: ignore[misc]
    """diffusers' sampler; no number of its coefficients ever is on the latents' device."""

    def multistep_uni_p_bh_update(self, *_: Any, sample: torch.Tensor, order: int, **__: Any) -> torch.Tensor:
        """Return the latents of the next step, by what the model said so far."""
        return self._moved(sample, self.step_index, self._slopes(self.step_index, order))

    def multistep_uni_c_bh_update(
        self, this_model_output: torch.Tensor, *_: Any, last_sample: torch.Tensor, order: int, **__: Any
    ) -> torch.Tensor:
        """Return the latents of this step once more, from those of the step before, by what the model says here too."""
        start, ahead = self.step_index - 1, (1.0, this_model_output - self.model_outputs[-1])
        return self._moved(last_sample, start, [*self._slopes(start, order), ahead])

    def _level(self, step: int) -> _Level:
        alpha, sigma = self._sigma_to_alpha_sigma_t(self.sigmas[step].double())
        return _Level(alpha, sigma, torch.log(alpha) - torch.log(sigma))

    def _slopes(self, start: int, order: int) -> list[_Slope]:
        """Return the slopes to what the model said before."""
        here = self._level(start).log_ratio
        width = self._level(start + 1).log_ratio - here
        places = [float((self._level(start - back).log_ratio - here) / width) for back in range(1, order)]
        outputs, newest = self.model_outputs[-2::-1], self.model_outputs[-1]
        return [(place, (output - newest) / place) for place, output in zip(places, outputs, strict=False)]

    def _moved(self, sample: torch.Tensor, start: int, slopes: list[_Slope]) -> torch.Tensor:
        """Return the latents at `start` brought to the next noise level along the slopes."""
        here, there = self._level(start), self._level(start + 1)
        width = there.log_ratio - here.log_ratio
        if self.predict_x0:
            width, kept, added = -width, there.sigma / here.sigma, there.alpha
        else:
            kept, added = there.alpha / here.alpha, there.sigma
        grown = torch.expm1(width)
        scale = width if self.config.solver_type == "bh1" else grown
        weights = _weights([place for place, _ in slopes], width, scale)
        moved: torch.Tensor = float(kept) * sample - float(added * grown) * self.model_outputs[-1]
        for weight, (_, slope) in zip(weights, slopes, strict=True):
            moved = moved - float(added * scale * weight) * slope
        return moved.to(sample.dtype)


def _weights(places: list[float], width: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return the weight of each slope: such that polynomials of as many terms are integrated exactly."""
    if len(places) <= 1:
        return torch.full((len(places),), 0.5)  # as the paper simplifies it
    wanted, rest, factorial = [], torch.expm1(width) / width - 1, 1
    for power in range(len(places)):
        wanted.append(rest * factorial / scale)
        factorial *= power + 2
        rest = rest / width - 1 / factorial
    powers = torch.tensor([[place**power for place in places] for power in range(len(places))], dtype=torch.float64)
    weights: torch.Tensor = torch.linalg.solve(powers, torch.stack(wanted))
    return weights
