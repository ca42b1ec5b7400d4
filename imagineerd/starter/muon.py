"""Muon for matrices and convolutions, AdamW for the rest: learns these small networks in a fraction of AdamW's steps.

Muon takes the momentum of a weight matrix and replaces it by the nearest orthogonal matrix (five Newton-Schulz steps),
scaled so that AdamW's learning rates fit (Jordan 2024; Liu et al. 2025). Processes that train together share the work.
"""

import math
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from imagineerd.starter.parallel import peers

SMALLEST = 16  # rows and columns of a matrix worth orthogonalising
MOMENTUM = 0.95


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """About U Vᵀ of `matrix` [r, c]: all singular values near 1."""
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    result: Tensor = x.T if tall else x
    return result


def matrices(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that Muon trains: no vectors, no thin matrices, no embedding tables."""
    tables = {module.weight for module in model.modules() if isinstance(module, nn.Embedding)}
    return [p for p in model.parameters() if p not in tables and _is_matrix(p)]


def _is_matrix(parameter: nn.Parameter) -> bool:
    return parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= SMALLEST


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter; `closure` is part of the interface and not used."""
        del closure
        for group in self.param_groups:
            parameters = group["params"]
            flat = self._updates(parameters)
            parts = torch.split(flat, [p.numel() for p in parameters])
            for parameter, update in zip(parameters, parts, strict=True):
                parameter.sub_(update.view(parameter.shape), alpha=group["lr"])

    def _updates(self, parameters: list[nn.Parameter]) -> Tensor:
        """All updates in one vector; each process works out every n-th."""
        ahead = [self._ahead(p) for p in parameters]
        if peers() == 1:
            return torch.cat([_scaled(matrix) for matrix in ahead])
        mine = [i % peers() == dist.get_rank() for i in range(len(ahead))]
        flat = torch.cat([_scaled(m) if own else torch.zeros(m.numel()) for m, own in zip(ahead, mine, strict=True)])
        dist.all_reduce(flat)
        return flat

    def _ahead(self, parameter: nn.Parameter) -> Tensor:
        """Nesterov's look-ahead momentum, as a matrix."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].mul_(MOMENTUM).add_(parameter.grad)
        ahead: Tensor = parameter.grad + MOMENTUM * state["momentum"]
        return ahead.reshape(len(parameter), -1)


def _scaled(matrix: Tensor) -> Tensor:
    size = 0.2 * math.sqrt(max(matrix.shape))
    return orthogonal(matrix).flatten() * size
