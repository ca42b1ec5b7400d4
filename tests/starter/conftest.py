"""Training needs gradients, which a worker that was set up in the same process has switched off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def gradients() -> Iterator[None]:
    """Let them be taken."""
    with torch.enable_grad():
        yield
