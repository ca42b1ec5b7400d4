"""A captured call has the bits of the call that it stands for, and holds no memory that others need."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from imagineerd.jobs import SCHEDULERS
from imagineerd.worker import capturing
from imagineerd.worker.cache import Cache
from imagineerd.worker.capturing import Call, Captured, Capturer, Captures, Inputs
from imagineerd.worker.compiling import Eager, Shape, alone
from imagineerd.worker.denoise import denoise, encode, row_of
from imagineerd.worker.devices import GIB
from imagineerd.worker.mixing import apply_mix

from .fake_graphs import FakeCapture
from .test_compiling import write_lora

SHAPE = Shape(4, 9, 8)
FULL = torch.OutOfMemoryError("CUDA out of memory.")
REFUSED = RuntimeError("CUDA error: operation not permitted when stream is capturing")


class Sum:
    """As much of a UNet as is asked for a call of it."""

    def __init__(self, *, is_compiled: bool = False) -> None:
        self.is_compiled = is_compiled
        self.weight = torch.ones(())

    def __call__(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        return rows * self.weight + time + text.sum()


def made_up(shape: Shape) -> Callable[[], Inputs]:
    rows = shape.rows
    return lambda: (torch.zeros(rows, 4, *shape[1:]), torch.tensor(500.0), torch.zeros(rows, 77, 8))


def asked(number: int) -> Inputs:
    generator = torch.Generator().manual_seed(number)
    rows = torch.randn(SHAPE.rows, 4, *SHAPE[1:], generator=generator)
    return rows, torch.tensor(float(number)), torch.randn(SHAPE.rows, 77, 8, generator=generator)


@pytest.fixture
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Let so many bytes be free, and a call take so many at its peak."""

    def memory(free: int, peak: int) -> None:
        monkeypatch.setattr(capturing, "free_memory", lambda _device: free)
        monkeypatch.setattr(capturing, "with_peak", lambda _device, act: (act(), peak))

    return memory


@pytest.fixture
def capture(device: Any) -> FakeCapture:
    return FakeCapture(replace(device, memory=80 * GIB))


@pytest.fixture
def captures(capture: FakeCapture, on_a_gpu: Callable[[int, int], None]) -> Captures:
    on_a_gpu(59 * GIB, 15 * GIB)
    return Captures(capture)


def test_it_returns_for_each_call_what_the_way_itself_does_and_the_next_call_changes_none_of_it(
    captures: Captures, capture: FakeCapture
) -> None:
    way = Sum()
    captured = captures.of(way, SHAPE, made_up(SHAPE))
    first = captured(*asked(1))
    second = captured(*asked(2))

    assert isinstance(captured, Captured)
    assert torch.equal(first, way(*asked(1)))
    assert torch.equal(second, way(*asked(2)))
    assert capture.graphs[0].replays == 3  # the first one was compared


def test_a_shape_is_captured_once_for_each_way(captures: Captures, capture: FakeCapture) -> None:
    ways = (Sum(), Sum(is_compiled=True))
    given = {
        captures.of(way, shape, made_up(shape))
        for way in ways
        for shape in (SHAPE, SHAPE._replace(rows=2))
        for _ in "ab"
    }

    assert len(given) == capture.tries == 4
    assert sorted(captured.is_compiled for captured in given) == [False, False, True, True]


@pytest.mark.parametrize("guidance_scale", [3.0, 1.0])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_picture_has_the_same_bits_whatever_the_sampler_keeps_of_a_call(
    captures: Captures, model: Any, spec: Any, scheduler: str, guidance_scale: float
) -> None:
    wanted = spec(scheduler=scheduler, steps=4, guidance_scale=guidance_scale)
    shape = Shape(2 if guidance_scale > 1 else 1, 9, 8)
    captured = captures.of(Eager(model.unet), shape, partial(_made_up, model, shape))
    drawn = [denoise(model, [row_of(1, wanted)], wanted, 1, unet=unet) for unet in (captured, None)]

    assert isinstance(captured, Captured)
    assert torch.equal(*drawn)


def test_a_mix_that_is_merged_in_place_is_seen_by_what_was_captured_before(
    captures: Captures, model: Any, spec: Any, tmp_path: Path
) -> None:
    write_lora(tmp_path / "ink.safetensors", model)
    captured = captures.of(Eager(model.unet), "alone", partial(_made_up, model, Shape(2, 9, 8)))
    drawn = []
    for weight in (0.0, 0.7):
        apply_mix(model, [("ink", str(tmp_path / "ink.safetensors"), weight)])
        drawn += [denoise(model, [row_of(1, spec())], spec(), 1, unet=unet) for unet in (captured, None)]
    apply_mix(model, [])

    assert torch.equal(*drawn[:2])
    assert torch.equal(*drawn[2:])
    assert not torch.equal(*drawn[1:3])


def test_what_returns_other_bits_is_not_taken_and_let_go_which_is_said(
    captures: Captures, capture: FakeCapture, capfd: pytest.CaptureFixture[str]
) -> None:
    way, capture.off = Sum(), 1e-4  # some of the last bits of 501: what a tolerance would let pass

    assert captures.of(way, SHAPE, made_up(SHAPE)) is way
    assert capture.graphs[0].was_reset
    assert captures.is_empty
    assert "is not like the call itself" in capfd.readouterr().err


def test_what_is_no_number_in_both_is_the_same(captures: Captures) -> None:
    way = Sum()
    way.weight.fill_(float("nan"))

    assert isinstance(captures.of(way, SHAPE, made_up(SHAPE)), Captured)


def test_what_cannot_be_captured_is_called_as_before_and_nothing_else_is_tried(
    captures: Captures, capture: FakeCapture, capfd: pytest.CaptureFixture[str]
) -> None:
    way = Sum()
    before = captures.of(way, SHAPE, made_up(SHAPE))
    capture.error = REFUSED
    given = [captures.of(way, shape, made_up(shape)) for shape in (SHAPE._replace(rows=2), SHAPE._replace(rows=8))]

    assert given == [way, way]
    assert (capture.tries, str(REFUSED) in capfd.readouterr().err) == (2, True)
    assert captures.of(way, SHAPE, made_up(SHAPE)) is before
    assert torch.equal(before(*asked(1)), way(*asked(1)))
    assert not capture.is_closed

    captures.give_back()

    assert capture.is_closed


def test_a_device_that_is_lost_meanwhile_is_told(
    captures: Captures, capture: FakeCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_device: Any) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(capturing, "synchronize", lost)
    capture.error = REFUSED

    with pytest.raises(RuntimeError, match="unspecified launch failure"):
        captures.of(Sum(), SHAPE, made_up(SHAPE))


@pytest.mark.parametrize(("free", "kind"), [(59 * GIB, Captured), (52 * GIB, Sum)])
def test_half_of_the_memory_stays_free(
    captures: Captures, capture: FakeCapture, on_a_gpu: Any, free: int, kind: type[Call]
) -> None:
    on_a_gpu(free, 15 * GIB)

    assert isinstance(captures.of(Sum(), SHAPE, made_up(SHAPE)), kind)
    assert capture.tries == (kind is Captured)


def test_what_is_captured_later_shares_the_memory_that_is_held_by_now(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = iter((2 * GIB, 19 * GIB, 19 * GIB, 19 * GIB))
    monkeypatch.setattr(capturing, "memory_used", lambda _device: next(used))
    ways = [captures.of(Sum(is_compiled=is_compiled), SHAPE, made_up(SHAPE)) for is_compiled in (False, True)]

    assert [type(way) for way in ways] == [Captured, Captured]
    assert captures.held == 17 * GIB


def test_where_memory_runs_out_all_is_let_go_and_every_call_is_made_as_before(
    captures: Captures, capture: FakeCapture
) -> None:
    way = Sum()
    captured = captures.of(way, SHAPE, made_up(SHAPE))
    capture.error = FULL

    assert captures.of(way, "larger", made_up(SHAPE)) is way
    assert capture.graphs[0].was_reset
    assert torch.equal(captured(*asked(1)), way(*asked(1)))
    assert captures.of(way, SHAPE, made_up(SHAPE)) is way
    assert (capture.tries, captures.held) == (2, 0)


def test_where_not_even_its_inputs_fit_the_call_is_made_as_before(captures: Captures, capture: FakeCapture) -> None:
    def full() -> Inputs:
        raise FULL

    way = Sum()
    captures.of(way, SHAPE, made_up(SHAPE))

    assert captures.of(way, "larger", full) is way
    assert capture.graphs[0].was_reset
    assert captures.is_empty


def test_beside_a_compiler_nothing_is_captured_but_later_on_it_is(captures: Captures) -> None:
    way = Sum()
    with alone():
        meanwhile = captures.of(way, SHAPE, made_up(SHAPE))

    assert meanwhile is way
    assert isinstance(captures.of(way, SHAPE, made_up(SHAPE)), Captured)


def test_a_graph_of_a_compiler_that_breaks_when_it_is_captured_is_not_called_compiled(captures: Captures) -> None:
    class Breaking(Sum):
        def __call__(self, rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
            self.is_compiled = False
            return super().__call__(rows, time, text)

    way = Breaking(is_compiled=True)

    assert captures.of(way, SHAPE, made_up(SHAPE)) is way


def test_where_nothing_can_be_captured_the_call_itself_is_made() -> None:
    way = Sum()

    assert Captures().of(way, SHAPE, made_up(SHAPE)) is way


class Torch:
    """What a capturer asks of torch, with what it was asked for. `is_tidy` says whether torch forgets what broke."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_tidy: bool) -> None:
        self.streams: list[object] = []
        self.released: list[tuple[int, str]] = []
        self._is_tidy = is_tidy
        for name, stand_in in {
            "CUDAGraph": SimpleNamespace,
            "Stream": lambda _device: object(),
            "current_stream": lambda _device: None,
            "graph": self._graph,
            "graph_pool_handle": lambda: "a pool",
            "stream": lambda _stream: contextlib.nullcontext(),
        }.items():
            monkeypatch.setattr(torch.cuda, name, stand_in)
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self._end, raising=False)
        monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda *of: self.released.append(of), raising=False)

    def _graph(self, graph: Any, _pool: str, stream: object, *, capture_error_mode: str) -> Any:
        assert capture_error_mode == "thread_local"
        self.streams.append(stream)
        graph.reset = lambda: None
        return contextlib.nullcontext()

    def _end(self, *_: object) -> None:
        if self._is_tidy:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")


def test_all_calls_of_a_model_are_captured_by_one_stream_which_is_no_other_models(
    monkeypatch: pytest.MonkeyPatch, device: Any
) -> None:
    cuda = Torch(monkeypatch, is_tidy=True)
    for capturer in (Capturer(device), Capturer(device)):
        for number in (1, 2):
            capturer(Sum(), asked(number))

    assert cuda.streams[0] is cuda.streams[1]
    assert cuda.streams[2] is cuda.streams[3]
    assert cuda.streams[0] is not cuda.streams[2]


@pytest.mark.parametrize(("is_tidy", "released"), [(True, []), (False, [(1, "a pool")])])
def test_a_capture_that_broke_is_forgotten_by_a_torch_that_does_not_so_itself(
    monkeypatch: pytest.MonkeyPatch, device: Any, *, is_tidy: bool, released: list[tuple[int, str]]
) -> None:
    def breaking(*_: torch.Tensor) -> torch.Tensor:
        raise REFUSED

    breaking.is_compiled = False  # type: ignore[attr-defined]
    cuda = Torch(monkeypatch, is_tidy=is_tidy)
    capturer: Any = Capturer(replace(device, handle=torch.device("cuda:1")))

    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        capturer(breaking, asked(1))
    assert cuda.released == released


@pytest.mark.parametrize(
    ("left", "released"),
    [
        ([("a pool", 0), ("a pool", 0), ("another", 5)], [(1, "a pool")]),
        ([("a pool", 0), ("a pool", 5)], []),  # what is in use stays, whoever counts as a user of the pool
        ([("another", 0)], []),
    ],
)
def test_a_pool_that_a_broken_capture_still_counts_for_is_let_go_with_the_last_graph(
    monkeypatch: pytest.MonkeyPatch, device: Any, left: list[tuple[str, int]], released: list[tuple[int, str]]
) -> None:
    def breaking(*_: torch.Tensor) -> torch.Tensor:
        raise REFUSED

    breaking.is_compiled = False  # type: ignore[attr-defined]
    cuda = Torch(monkeypatch, is_tidy=True)
    parts = [{"segment_pool_id": pool, "active_size": active} for pool, active in left]
    monkeypatch.setattr(torch.cuda, "memory_snapshot", lambda: parts)
    capturer: Any = Capturer(replace(device, handle=torch.device("cuda:1")))

    capturer.close()
    assert cuda.released == []  # as nothing broke
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        capturer(breaking, asked(1))
    capturer.close()
    assert cuda.released == released


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_call_is_one_launch_with_the_same_bits(spec: Any, source: Any) -> None:
    from torch.profiler import ProfilerActivity, profile

    from imagineerd import link
    from imagineerd.worker.devices import choose
    from imagineerd.worker.models import load

    gpu = choose(link.Hardware(device="cuda"))
    model = load(source, gpu, link.Configure(link.Hardware()), lambda _report: None)
    model.captures = Captures(Capturer(gpu))
    captured = model.captures.of(Eager(model.unet), SHAPE, partial(_made_up, model, SHAPE))
    wanted = spec(steps=4)
    drawn = [denoise(model, [row_of(1, wanted)] * 2, wanted, 2, unet=unet) for unet in (captured, None)]
    plain = replace(model, captures=Captures(), prompts=Cache(1, lambda _: 1))
    inputs = _made_up(model, SHAPE)
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU]) as seen:
        captured(*inputs)
        torch.cuda.synchronize()

    assert isinstance(captured, Captured)
    assert torch.equal(*drawn)
    assert torch.equal(encode(model, "an ace"), encode(plain, "an ace"))
    assert sum(event.name == "cudaGraphLaunch" for event in seen.events()) <= 1
    assert sum(event.name == "aten::convolution" for event in seen.events()) == 0


def _made_up(model: Any, shape: Shape) -> Inputs:
    about = {"dtype": model.dtype, "device": model.device}
    rows = torch.zeros(shape.rows, 4, *shape[1:], **about)
    return rows, torch.tensor(500.0, device=model.device), torch.zeros(shape.rows, 77, 32, **about)


def test_prompts_are_encoded_by_one_launch_each_with_the_same_bits(
    captures: Captures, capture: FakeCapture, model: Any
) -> None:
    captured = replace(model, captures=captures, prompts=Cache(1, lambda _: 1))
    prompts = ("ace of spades", "the tower, woodcut", "ace of spades")

    assert all(torch.equal(encode(captured, prompt), encode(model, prompt)) for prompt in prompts)
    assert [graph.replays for graph in capture.graphs] == [1 + 3]
