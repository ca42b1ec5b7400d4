"""The coefficients are integrals of Lagrange polynomials."""

from __future__ import annotations

import numpy as np
import pytest

from imagineerd.worker.lms import LinearMultistepScheduler


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_coefficients_equal_the_quadrature(order: int) -> None:
    scheduler = LinearMultistepScheduler()
    scheduler.set_timesteps(10)
    sigmas = scheduler.sigmas.double().numpy()
    at = np.linspace(sigmas[5], sigmas[6], 20_001)
    for current in range(order):
        product = np.ones_like(at)
        for other in range(order):
            if other != current:
                product *= (at - sigmas[5 - other]) / (sigmas[5 - current] - sigmas[5 - other])

        assert scheduler.get_lms_coefficient(order, 5, current) == pytest.approx(np.trapezoid(product, at), rel=1e-5)
