"""Compiled beside the work: eager until it is warm, and nothing is compiled again for a mix or a batch size."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch._dynamo.utils import counters

from imagineerd import link
from imagineerd.jobs import SCHEDULERS
from imagineerd.worker.compiling import Graphs, Shape, keep_in
from imagineerd.worker.denoise import denoise, row_of
from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.models import load

SIZES = (1, 2, 4)
BACKEND = "eager"
"""dynamo's graphs and guards without a compiler behind them: what is counted here is the same with Inductor."""


@pytest.fixture(scope="module")
def model(source: link.ModelSource, device: Any) -> Iterator[Any]:
    """A model of one's own, as graphs belong to it."""
    torch._dynamo.reset()
    counters.clear()
    logging.getLogger("torch.__trace").propagate = False  # to pytest, which keeps every line of it
    yield load(source, replace(device, compile=True), link.Configure(link.Hardware()), lambda _report: None)
    torch._dynamo.reset()


@pytest.fixture(scope="module")
def unets(model: Any) -> dict[int, Any]:
    """The compiled UNet for each batch size, warm; until then there was none."""
    graphs = Graphs(model.unet, BACKEND)
    shapes = {size: Shape(2 * size, 9, 8) for size in SIZES}
    assert not any(graphs.unet_for(shape) for shape in shapes.values())
    graphs.wait()
    return {size: graphs.unet_for(shape) for size, shape in shapes.items()}


def graphs_made() -> int:
    return int(counters["stats"]["unique_graphs"])


def test_nothing_is_compiled_again_for_a_batch_size_a_mix_or_a_sampler(
    model: Any, unets: dict[int, Any], spec: Any, tmp_path: Path
) -> None:
    write_lora(tmp_path / "ink.safetensors", model)
    drawn = []
    for weight, scheduler, size in ((0.0, "dpm++", 1), *((0.7, name, 2) for name in SCHEDULERS), (-0.2, "dpm++", 4)):
        apply_mix(model, [("ink", str(tmp_path / "ink.safetensors"), weight)])
        wanted = spec(scheduler=scheduler, steps=2)  # dpm++ counts its time in whole numbers, euler does not
        rows = [row_of(1, wanted)] * size
        eager, compiled = (denoise(model, rows, wanted, size, unet=unet) for unet in (None, unets[size]))
        torch.testing.assert_close(compiled, eager, rtol=0, atol=1e-5)
        drawn.append(compiled[0])

    assert graphs_made() == 1
    assert (drawn[-1] - drawn[0]).abs().max() > 0.01


class Small(torch.nn.Module):
    """As much of a UNet as is asked for a call of it."""

    config = SimpleNamespace(in_channels=4, cross_attention_dim=8)
    dtype, device = torch.float32, torch.device("cpu")

    def forward(self, rows: torch.Tensor, _time: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        return (rows * 2,)


def test_what_no_compiler_takes_stays_eager(capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("no Triton here")

    graphs = Graphs(Small(), refuse)
    graphs.unet_for(Shape(2, 9, 8))
    graphs.wait()

    assert graphs.unet_for(Shape(2, 9, 8)) is None
    assert "no Triton here" in capfd.readouterr().err


def test_nothing_is_compiled_for_a_model_that_went() -> None:
    graphs = Graphs(Small(), BACKEND)
    graphs.close()
    graphs.wait()

    assert graphs.unet_for(Shape(2, 9, 8)) is None


def test_what_is_compiled_is_kept_beside_what_else_workers_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", "elsewhere")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # so that it is taken back afterwards
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    keep_in(tmp_path)

    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "inductor")
    assert os.environ["TRITON_CACHE_DIR"] == "elsewhere"


def write_lora(path: Path, model: Any) -> None:
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
    outputs, inputs = model.unet.get_submodule(name).weight.shape
    save_file(
        {f"unet.{name}.lora_A.weight": torch.ones(1, inputs), f"unet.{name}.lora_B.weight": torch.ones(outputs, 1)},
        path,
    )
