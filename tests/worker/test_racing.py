"""A graph is drawn with where it is faster than the plain UNet, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from imagineerd.worker import capturing
from imagineerd.worker.capturing import Captured, Captures
from imagineerd.worker.compiling import Compiled, Graphs, Shape, alone, whole
from imagineerd.worker.racing import Race, RacedGraphs
from imagineerd.worker.tuning import CALLS

from .fake_graphs import FakeCapture
from .test_compiling import Breaking

SHAPE = Shape(2, 9, 8)
LABOUR = 2000
"""Times that the slow way does what the fast one does once, so that no other program decides the race."""


class Unet(torch.nn.Module):
    """As much of a UNet as is asked for a call of it; it takes its time unless it is compiled."""

    config = SimpleNamespace(in_channels=4, cross_attention_dim=8)
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, labour: int = 1) -> None:
        super().__init__()
        self.labour = labour
        self.factor = 2

    def forward(self, rows: torch.Tensor, _time: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        if not torch.compiler.is_compiling():
            for _ in range(self.labour):
                rows + 1
        return (rows * self.factor,)


class Backend:
    """Runs the graph so many times in each call, and counts the graphs that it made."""

    def __init__(self, labour: int = 1) -> None:
        self.labour = labour
        self.made = 0

    def __call__(self, graph: Any, _inputs: Any) -> Any:
        self.made += 1
        return lambda *given: [graph(*given) for _ in range(self.labour)][-1]


@pytest.fixture(autouse=True)
def _forget_graphs() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def raced(model: Any, device: Any, tmp_path: Path) -> Any:
    """Make graphs of a UNet that race, and wait until its first one is warm."""

    def make(unet: Unet, backend: Any, captures: Captures | None = None, **other: Any) -> RacedGraphs:
        graphs = Graphs(unet, partial(whole, backend=backend))
        made = RacedGraphs(graphs, replace(model, captures=captures or Captures(), **other), device, tmp_path)
        assert not made.unet_for(SHAPE).is_compiled
        graphs.wait()
        return made

    return make


def test_a_graph_that_is_faster_is_drawn_with(raced: Any) -> None:
    graphs = raced(Unet(LABOUR), Backend())

    assert graphs.unet_for(SHAPE).is_compiled


def test_one_that_is_slower_is_not(raced: Any) -> None:
    graphs = raced(Unet(), Backend(LABOUR))

    assert not graphs.unet_for(SHAPE).is_compiled


def test_nor_is_one_that_is_as_fast(raced: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = raced(Unet(), Backend())
    monkeypatch.setattr(graphs, "_run", lambda *_: Race(eager=1.02, compiled=1.0))

    assert not graphs.unet_for(SHAPE).is_compiled


def test_the_race_is_run_once_for_all_workers_and_what_lost_is_not_even_compiled(raced: Any, tmp_path: Path) -> None:
    raced(Unet(), Backend(LABOUR)).unet_for(SHAPE)
    (outcome,) = tmp_path.iterdir()
    again, other_model = Backend(), Backend()
    later = raced(Unet(LABOUR), again)

    assert "8x9-2-compiled" in outcome.name
    assert (later.unet_for(SHAPE).is_compiled, again.made) == (False, 0)
    assert raced(Unet(LABOUR), other_model, revision="another").unet_for(SHAPE).is_compiled


def test_what_won_needs_no_second_race(raced: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raced(Unet(LABOUR), Backend()).unet_for(SHAPE)
    later = raced(Unet(LABOUR), Backend())
    monkeypatch.setattr(later, "_run", None)

    assert later.unet_for(SHAPE).is_compiled


def test_no_race_is_run_while_something_is_compiled(raced: Any, tmp_path: Path) -> None:
    graphs = raced(Unet(LABOUR), Backend())
    with alone():
        meanwhile = graphs.unet_for(SHAPE)
        outcomes = list(tmp_path.iterdir())

    assert (meanwhile.is_compiled, outcomes) == (False, [])
    assert graphs.unet_for(SHAPE).is_compiled


def test_a_graph_that_there_is_no_memory_for_is_not_taken_here_and_may_be_elsewhere(raced: Any, tmp_path: Path) -> None:
    def out_of_memory(graph: Any, _inputs: Any) -> Any:
        calls: list[int] = []

        def call(*given: Any) -> Any:
            calls.append(1)
            if len(calls) > 1:  # the first one warms it up
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return graph(*given)

        return call

    graphs = raced(Unet(LABOUR), out_of_memory)

    assert not graphs.unet_for(SHAPE).is_compiled
    assert not graphs.unet_for(SHAPE).is_compiled
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_its_graph_does_not_fit_decides_nothing(raced: Any, tmp_path: Path) -> None:
    graphs = raced(unet := Unet(LABOUR), Backend())
    unet.factor = 3  # a graph is made for the module as it was

    assert not graphs.unet_for(SHAPE).is_compiled
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def capture(device: Any) -> FakeCapture:
    return FakeCapture(device)


@pytest.mark.parametrize(("labour", "is_won"), [((LABOUR, 1), 1), ((1, LABOUR), 0)])
def test_both_race_as_they_would_be_drawn_with_which_is_captured(
    raced: Any, capture: FakeCapture, labour: tuple[int, int], is_won: int
) -> None:
    graphs = raced(Unet(labour[0]), Backend(labour[1]), Captures(capture))
    before = graphs.unet_for(SHAPE)
    plain, fast = capture.graphs

    assert isinstance(before, Captured)
    assert before.is_compiled == is_won
    assert plain.replays == fast.replays == 1 + 1 + CALLS  # compared, and raced
    assert graphs.unet_for(SHAPE) is before


def test_the_plain_unet_is_captured_before_a_compiler_is_at_work(raced: Any, capture: FakeCapture) -> None:
    seen: list[int] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        seen.append(len(capture.graphs))
        return graph

    raced(Unet(), backend, Captures(capture))

    assert seen == [1]


def test_captured_calls_that_give_their_memory_back_leave_what_is_compiled(raced: Any, capture: FakeCapture) -> None:
    captures = Captures(capture)
    graphs = raced(Unet(LABOUR), Backend(), captures)
    graphs.unet_for(SHAPE)
    captures.give_back()

    assert [graph.was_reset for graph in capture.graphs] == [True, True]
    assert isinstance(graphs.unet_for(SHAPE), Compiled)


LOST = "CUDA error: an illegal memory access was encountered"


@pytest.fixture(params=["captured", "not captured"])
def captures(request: Any, capture: FakeCapture, monkeypatch: pytest.MonkeyPatch) -> Captures:
    """What captures calls on a device that is lost, should something break."""

    def synchronize(_device: Any) -> None:
        raise RuntimeError(LOST)

    monkeypatch.setattr(capturing, "synchronize", synchronize)
    return Captures(capture) if request.param == "captured" else Captures()


def test_a_graph_that_a_worker_did_not_outlive_is_not_raced_again_until_its_mark_is_deleted(
    raced: Any, tmp_path: Path, captures: Captures, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match=LOST):
        raced(Unet(LABOUR), Breaking(LOST), captures).unet_for(SHAPE)
    (mark,) = tmp_path.iterdir()
    later = raced(Unet(LABOUR), Backend())
    meanwhile = [later.unet_for(SHAPE).is_compiled for _ in range(2)]
    said = capfd.readouterr().err
    mark.unlink()

    assert meanwhile == [False, False]
    assert said.count(f"while {mark} stands") == 1
    assert later.unet_for(SHAPE).is_compiled
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_trouble_that_a_worker_outlives_leaves_no_mark(
    raced: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = raced(Unet(LABOUR), Backend())

    def run(*_: Any) -> Race:
        raise ValueError("wrong")

    monkeypatch.setattr(graphs, "_run", run)
    with pytest.raises(ValueError, match="wrong"):
        graphs.unet_for(SHAPE)
    monkeypatch.undo()

    assert list(tmp_path.iterdir()) == []
    assert graphs.unet_for(SHAPE).is_compiled
