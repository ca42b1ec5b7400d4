"""A written fake of CUDA graphs: each replay makes the call anew, from the same places to the same place."""

from __future__ import annotations

import torch

from imagineerd.worker.capturing import Call, Inputs
from imagineerd.worker.devices import Device


class FakeGraph:
    """What was captured of a call, which did not run meanwhile: until it is replayed its output is nothing."""

    def __init__(self, call: Call, inputs: Inputs) -> None:
        self.replays = 0
        self.was_reset = False
        self.output = torch.full_like(call(*inputs), float("nan"))
        self._call = call
        self._inputs = inputs

    def replay(self) -> None:
        assert not self.was_reset
        self.replays += 1
        self.output.copy_(self._call(*self._inputs))

    def reset(self) -> None:
        self.was_reset = True


class FakeCapture:
    """Captures calls, and keeps the graphs of them. With `error` it raises that, with `off` its graphs add that."""

    def __init__(self, device: Device, error: Exception | None = None, off: float = 0.0) -> None:
        self.device = device
        self.graphs: list[FakeGraph] = []
        self.tries = 0
        self.error = error
        self.off = off
        self.is_closed = False

    def close(self) -> None:
        assert all(graph.was_reset for graph in self.graphs)
        self.is_closed = True

    def __call__(self, call: Call, inputs: Inputs) -> tuple[FakeGraph, torch.Tensor]:
        self.tries += 1
        if self.error is not None:
            raise self.error
        graph = FakeGraph(Off(call, self.off) if self.off else call, inputs)
        self.graphs.append(graph)
        return graph, graph.output


class Off:
    """A call that returns something else."""

    is_compiled = False

    def __init__(self, call: Call, by: float) -> None:
        self._call = call
        self._by = by

    def __call__(self, *given: torch.Tensor) -> torch.Tensor:
        return self._call(*given) + self._by
