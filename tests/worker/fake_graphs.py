"""A written fake of CUDA graphs: each replay makes the call anew, from the same places to the same place."""

from __future__ import annotations

import torch

from imagineerd.worker.compiling import Inputs, Way


class FakeGraph:
    """What was captured of a call, which did not run meanwhile: until it is replayed its output is nothing."""

    def __init__(self, way: Way, inputs: Inputs) -> None:
        self.replays = 0
        self.was_reset = False
        self.output = torch.full_like(way(*inputs), float("nan"))
        self._way = way
        self._inputs = inputs

    def replay(self) -> None:
        assert not self.was_reset
        self.replays += 1
        self.output.copy_(self._way(*self._inputs))

    def reset(self) -> None:
        self.was_reset = True


class FakeCapture:
    """Captures calls, and keeps the graphs of them. With `error` it raises that, with `off` its graphs add that."""

    def __init__(self, error: Exception | None = None, off: float = 0.0) -> None:
        self.graphs: list[FakeGraph] = []
        self.tries = 0
        self.error = error
        self.off = off

    def __call__(self, way: Way, inputs: Inputs) -> tuple[FakeGraph, torch.Tensor]:
        self.tries += 1
        if self.error is not None:
            raise self.error
        graph = FakeGraph(self._changed(way), inputs)
        self.graphs.append(graph)
        return graph, graph.output

    def _changed(self, way: Way) -> Way:
        return Off(way, self.off) if self.off else way


class Off:
    """A call that returns something else."""

    is_compiled = False

    def __init__(self, way: Way, by: float) -> None:
        self._way = way
        self._by = by

    def __call__(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        return self._way(rows, time, text) + self._by
