"""A compiler in another thread neither stops nor breaks what is drawn meanwhile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch._inductor.graph import GraphLowering
from torch._inductor.loop_body import InterpreterShim
from torch.fx import Tracer, _symbolic_trace

from imagineerd.worker.beside import TURN_S
from imagineerd.worker.compiling import Graphs, Shape, made_up, whole

SHAPE = Shape(2, 9, 8)


class Unet(torch.nn.Module):
    """As much of a UNet as is asked for a call of it."""

    config = SimpleNamespace(in_channels=4, cross_attention_dim=8)
    dtype, device = torch.float32, torch.device("cpu")

    def forward(self, rows: torch.Tensor, _time: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        return (rows * 2,)


@pytest.fixture(autouse=True)
def _forget_graphs() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def graphs_by(backend: Callable[..., Any] | str) -> Graphs:
    """Return the graphs of a UNet, when it was compiled."""
    graphs = Graphs(Unet(), lambda unet: whole(unet, backend))
    graphs.unet_for(SHAPE)
    graphs.wait()
    return graphs


def test_while_something_is_compiled_threads_take_short_turns() -> None:
    turns: list[float] = []
    usual = sys.getswitchinterval()

    graphs_by(lambda graph, _inputs: turns.append(sys.getswitchinterval()) or graph)

    assert turns == pytest.approx([TURN_S])
    assert sys.getswitchinterval() == usual > TURN_S


def test_no_trace_that_takes_the_calls_of_other_threads_is_made_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inductor gets as far as its kernels, which a compiler of C++ would take from there."""
    beside: list[Any] = []
    real = Tracer.trace

    def trace(self: Tracer, *given: Any, **named: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            beside.append(type(self).call_module)
        return real(self, *given, **named)

    InterpreterShim._dummy_gm.cache_clear()
    monkeypatch.setattr(Tracer, "trace", trace)
    reached: list[bool] = []
    monkeypatch.setattr(GraphLowering, "_compile_to_module_lines", lambda *_: reached.append(True))

    graphs_by("inductor")

    assert reached, "Inductor made no kernels."
    assert beside, "Nothing was traced in the compiler's thread."
    assert Tracer.call_module not in beside


def test_while_another_thread_traces_what_is_compiled_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    graphs = graphs_by(lambda graph, _inputs: lambda *given: drawn.append(1) or graph(*given))
    compiled = graphs.unet_for(SHAPE)
    assert compiled is not None
    before = len(drawn)
    monkeypatch.setattr(_symbolic_trace, "_is_fx_tracing_flag", True)
    with torch.no_grad():
        compiled(*made_up(Unet(), SHAPE))

    assert compiled.is_compiled
    assert len(drawn) == before + 1
