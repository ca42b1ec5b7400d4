"""Katherine Crowson's linear multistep sampler without scipy, which diffusers needs for it but does not bring."""

from __future__ import annotations

import numpy as np
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler


class LinearMultistepScheduler(LMSDiscreteScheduler):  # type: ignore[misc]
    """diffusers' sampler with the coefficients integrated exactly (they are polynomials) instead of by quadrature."""

    def get_lms_coefficient(self, order: int, t: int, current_order: int) -> float:
        """Return the integral of the `current_order`-th Lagrange polynomial from sigma[t] to sigma[t + 1]."""
        nodes = [float(self.sigmas[t - back]) for back in range(order)]
        basis = np.polynomial.Polynomial([1.0])
        for back, node in enumerate(nodes):
            if back != current_order:
                basis *= np.polynomial.Polynomial([-node, 1.0]) / (nodes[current_order] - node)
        integral = basis.integ()
        return float(integral(float(self.sigmas[t + 1])) - integral(nodes[0]))
