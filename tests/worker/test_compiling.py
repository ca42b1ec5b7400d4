"""Compiled beside the work: eager until it is warm, and nothing is compiled again for a mix or a batch size."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch._dynamo.utils import counters
from torch._inductor import config as inductor_config
from torch._inductor.custom_graph_pass import CustomGraphPass

from imagineerd import link
from imagineerd.jobs import SCHEDULERS
from imagineerd.worker.compiling import FEW, REGIONS, Graphs, Shape, alone, by_region, made_up, whole
from imagineerd.worker.denoise import denoise, row_of
from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.models import load

SHAPES = {size: Shape(2 * size, 9, 8) for size in (1, 2, 4)}
"""Batch size -> call."""
BACKEND = "eager"
"""dynamo's graphs and guards without a compiler behind them. Inductor may guard more: speed.py counts on a GPU."""


@pytest.fixture(scope="module")
def model(shallow: link.ModelSource, device: Any) -> Iterator[Any]:
    """A model of one's own, as graphs belong to it."""
    torch._dynamo.reset()
    counters.clear()
    logging.getLogger("torch.__trace").propagate = False  # to pytest, which keeps every line of it
    yield load(shallow, replace(device, compile=True), link.Configure(link.Hardware()), lambda _report: None)
    torch._dynamo.reset()


@pytest.fixture(scope="module")
def graphs(model: Any) -> Graphs:
    """The graphs of its UNet, warm for each batch size; until then there were none."""
    made = Graphs(model.unet, partial(whole, backend=BACKEND))
    assert not any(made.unet_for(shape) for shape in SHAPES.values())
    made.wait()
    assert all(made.unet_for(shape) for shape in SHAPES.values())
    return made


def graphs_made() -> int:
    return int(counters["stats"]["unique_graphs"])


def test_nothing_is_compiled_again_for_a_batch_size_a_mix_or_a_sampler(
    model: Any, graphs: Graphs, spec: Any, tmp_path: Path
) -> None:
    write_lora(tmp_path / "ink.safetensors", model)
    drawn = []
    for weight, scheduler, size in ((0.0, "dpm++", 1), *((0.7, name, 2) for name in SCHEDULERS), (-0.2, "dpm++", 4)):
        apply_mix(model, [("ink", str(tmp_path / "ink.safetensors"), weight)])
        wanted = spec(scheduler=scheduler, steps=2)  # dpm++ counts its time in whole numbers, euler does not
        rows = [row_of(1, wanted)] * size
        ways = (None, graphs.unet_for(SHAPES[size]))
        eager, compiled = (denoise(model, rows, wanted, size, unet=unet) for unet in ways)
        torch.testing.assert_close(compiled, eager, rtol=0, atol=1e-5)
        drawn.append(compiled[0])

    assert graphs_made() == 1
    assert all(graphs.unet_for(shape) for shape in SHAPES.values()), "A graph did not fit, and it went on eagerly."
    assert (drawn[-1] - drawn[0]).abs().max() > 0.01


@pytest.fixture
def unet() -> Iterator[UNet2DConditionModel]:
    """A UNet of two levels."""
    torch._dynamo.reset()
    counters.clear()
    torch.manual_seed(1)
    made = UNet2DConditionModel(
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    yield made.requires_grad_(requires_grad=False).eval().to(memory_format=torch.channels_last)
    torch._dynamo.reset()


def test_by_region_a_graph_serves_all_blocks_of_a_shape_and_every_batch_size_and_mix(
    unet: UNet2DConditionModel,
) -> None:
    graphs = Graphs(unet, partial(by_region, backend=BACKEND))
    shape = Shape(4, 6, 4)
    graphs.unet_for(shape)
    graphs.wait()
    blocks, made = sum(isinstance(module, REGIONS) for module in unet.modules()), graphs_made()
    compiled = graphs.unet_for(shape)
    assert compiled is not None
    weight = unet.get_parameter("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight")
    for rows in (4, 2, 8, 14):  # from 16 on a CPU may take other convolutions, and that is guarded
        weight.add_(0.1)  # as a mix is merged: in place
        inputs = torch.randn(rows, 4, 6, 4), torch.tensor(500.0), torch.randn(rows, 77, 8)
        with torch.no_grad():
            eager = unet(*inputs[:2], encoder_hidden_states=inputs[2]).sample
            torch.testing.assert_close(compiled(*inputs), eager, rtol=0, atol=1e-5)

    assert 0 < made < blocks
    assert graphs_made() == made
    assert graphs.unet_for(shape), "A graph did not fit, and it went on eagerly."


def test_a_twin_that_is_compiled_by_region_shares_every_parameter_and_leaves_the_unet_as_it_was(
    unet: UNet2DConditionModel,
) -> None:
    twin = by_region(unet, BACKEND)

    assert [id(parameter) for parameter in twin.parameters()] == [id(own) for own in unet.parameters()]
    assert not any("forward" in vars(module) for module in unet.modules())


class Small(torch.nn.Module):
    """As much of a UNet as is asked for a call of it."""

    config = SimpleNamespace(in_channels=4, cross_attention_dim=8)
    dtype, device = torch.float32, torch.device("cpu")

    def forward(self, rows: torch.Tensor, _time: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        return (rows * 2,)


def test_what_no_compiler_takes_stays_eager(capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("no Triton here")

    graphs = Graphs(Small(), partial(whole, backend=refuse))
    graphs.unet_for(Shape(2, 9, 8))
    graphs.wait()

    assert graphs.unet_for(Shape(2, 9, 8)) is None
    assert "no Triton here" in capfd.readouterr().err


def test_where_no_graph_fits_the_drawing_thread_goes_on_eagerly_and_compiles_nothing() -> None:
    torch._dynamo.reset()
    graphs, shape = Graphs(Small(), partial(whole, backend=BACKEND)), Shape(2, 9, 8)
    graphs.unet_for(shape)
    graphs.wait()
    compiled, made = graphs.unet_for(shape), graphs_made()
    assert compiled is not None
    other = torch.ones(2, 4, 9, 5)

    assert torch.equal(compiled(other, torch.tensor(1.0), torch.zeros(2, 77, 8)), other * 2)
    assert graphs_made() == made
    assert graphs.unet_for(shape) is None


class Breaking:
    """A backend whose graphs stop working, as they say, after their first call."""

    def __init__(self, said: str) -> None:
        torch._dynamo.reset()
        self.said, self.calls = said, 0

    def __call__(self, graph: Any, _inputs: Any) -> Any:
        def call(*given: Any) -> Any:
            self.calls += 1
            if self.calls > 1:
                raise RuntimeError(self.said)
            return graph(*given)

        return call


def broken(said: str) -> tuple[Graphs, Breaking]:
    backend = Breaking(said)
    graphs = Graphs(Small(), partial(whole, backend=backend))
    graphs.unet_for(Shape(2, 9, 8))
    graphs.wait()
    return graphs, backend


def test_where_a_graph_breaks_the_picture_is_drawn_eagerly_and_no_other_graph_is_made(
    capfd: pytest.CaptureFixture[str],
) -> None:
    graphs, backend = broken("misaligned kernel argument")
    compiled = graphs.unet_for(Shape(2, 9, 8))
    assert compiled is not None
    rows, time, text = made_up(Small(), Shape(2, 9, 8))

    assert torch.equal(compiled(rows + 1, time, text), (rows + 1) * 2)
    assert not compiled.is_compiled
    assert "misaligned kernel argument" in capfd.readouterr().err
    assert graphs.unet_for(Shape(2, 9, 8)) is None
    graphs.wait()
    assert graphs.unet_for(Shape(2, 9, 8)) is None
    assert backend.calls == 2


@pytest.mark.parametrize("said", ["CUDA out of memory.", "CUDA error: an illegal memory access was encountered"])
def test_want_of_memory_and_a_lost_device_are_no_faults_of_a_graph(said: str) -> None:
    graphs, _ = broken(said)
    compiled = graphs.unet_for(Shape(2, 9, 8))
    assert compiled is not None

    with pytest.raises(RuntimeError, match=said):
        compiled(*made_up(Small(), Shape(2, 9, 8)))
    assert graphs.unet_for(Shape(2, 9, 8)) is not None


class Picky(Small):
    """One that goes another way for many rows, so that they need a graph of their own."""

    def forward(self, rows: torch.Tensor, _time: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        return (rows * (2 if rows.shape[0] < 6 else 3),)


class Compiler:
    """A backend that waits to be let go, counts its graphs, and notes the rows of each call of one."""

    def __init__(self) -> None:
        torch._dynamo.reset()
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()
        self.graphs, self.rows = 0, list[int]()

    def __call__(self, graph: Any, _inputs: Any) -> Any:
        self.graphs += 1
        self.has_begun.set()
        assert self.may_go_on.wait(60)
        return lambda *given: self.rows.append(rows_among(given)) or graph(*given)


def rows_among(given: tuple[Any, ...]) -> int:
    return next(len(value) for value in given if isinstance(value, torch.Tensor) and value.ndim == 4)


def test_a_graph_is_made_with_few_rows_and_fits_many() -> None:
    compiler = Compiler()
    compiler.may_go_on.set()
    graphs = Graphs(Small(), partial(whole, backend=compiler))
    graphs.unet_for(Shape(32, 9, 8))
    graphs.wait()
    compiled = graphs.unet_for(Shape(32, 9, 8))
    assert compiled is not None
    with torch.no_grad():
        compiled(torch.ones(32, 4, 9, 8), torch.tensor(1.0), torch.zeros(32, 77, 8))

    assert compiled.is_compiled
    assert (compiler.graphs, compiler.rows) == (1, [FEW, 32])


def test_a_graph_that_does_not_fit_many_rows_is_made_once_more_with_all_of_them() -> None:
    compiler = Compiler()
    compiler.may_go_on.set()
    graphs, shape = Graphs(Picky(), partial(whole, backend=compiler)), Shape(8, 9, 8)
    inputs = torch.ones(8, 4, 9, 8), torch.tensor(1.0), torch.zeros(8, 77, 8)
    graphs.unet_for(shape)
    graphs.wait()
    first = graphs.unet_for(shape)
    assert first is not None
    with torch.no_grad():
        assert torch.equal(first(*inputs), 3 * inputs[0])
        assert not first.is_compiled
        graphs.wait()
        second = graphs.unet_for(shape)
        assert second is not None
        assert torch.equal(second(*inputs), 3 * inputs[0])

    assert second.is_compiled
    assert compiler.graphs == 2


def test_for_a_model_that_went_nothing_more_is_compiled_and_it_is_let_go() -> None:
    compiler = Compiler()
    graphs = Graphs(Small(), partial(whole, backend=compiler))
    left = weakref.ref(graphs)
    for width in (8, 16, 24):
        graphs.unet_for(Shape(2, 9, width))
    assert compiler.has_begun.wait(60)
    graphs.close()
    compiler.may_go_on.set()
    graphs.wait()

    assert compiler.graphs == 1
    assert graphs.unet_for(Shape(2, 9, 32)) is None
    del graphs
    gc.collect()
    assert left() is None


def test_while_something_is_compiled_nothing_is_measured_and_the_other_way_round() -> None:
    compiler = Compiler()
    graphs = Graphs(Small(), partial(whole, backend=compiler))
    with alone() as before:
        graphs.unet_for(Shape(2, 9, 8))
        began = compiler.has_begun.is_set()
    assert compiler.has_begun.wait(60)
    with alone() as meanwhile:
        compiler.may_go_on.set()
    graphs.wait()
    with alone() as afterwards:
        pass

    assert (before, began, meanwhile, afterwards) == (True, False, False, True)


def write_lora(path: Path, model: Any) -> None:
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
    outputs, inputs = model.unet.get_submodule(name).weight.shape
    save_file(
        {f"unet.{name}.lora_A.weight": torch.ones(1, inputs), f"unet.{name}.lora_B.weight": torch.ones(outputs, 1)},
        path,
    )


@pytest.mark.parametrize("make", [whole, by_region])
def test_inductor_splits_no_sums(make: Any, unet: UNet2DConditionModel) -> None:
    class Seen(CustomGraphPass):
        splits: ClassVar[set[bool]] = set()

        def __call__(self, _graph: Any) -> None:
            self.splits.add(inductor_config.split_reductions)
            raise RuntimeError("That is enough.")

        def uuid(self) -> str:
            return "seen"

    with (
        inductor_config.patch(post_grad_custom_post_pass=Seen()),
        pytest.raises(RuntimeError, match=r"That is enough\."),
        torch.no_grad(),
    ):
        make(unet)(*made_up(unet, Shape(4, 6, 4))[:2], encoder_hidden_states=torch.zeros(4, 77, 8))

    assert Seen.splits == {False}
