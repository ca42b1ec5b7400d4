"""What a GPU would refuse, and what it would be waited for, in all that the worker asks of one; see fake_cuda.py."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from imagineerd import link
from imagineerd.jobs import SCHEDULERS, GenerateSpec
from imagineerd.worker import selftest
from imagineerd.worker.capturing import Captured
from imagineerd.worker.compiling import Eager
from imagineerd.worker.decode import decode
from imagineerd.worker.denoise import Prediction, denoise, row_of
from imagineerd.worker.devices import GIB, Device
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.models import Model, load, sliced_attention
from imagineerd.worker.preview import Previewer, fit_ahead
from imagineerd.worker.samplers import TAKE_NOISE
from imagineerd.worker.selftest import slots_are_independent
from imagineerd.worker.tuning import Cells, Tuning

from .fake_cuda import CUDA, Traffic, fake_cuda
from .fake_graphs import FakeCapture
from .lora_tensors import LAYOUTS, write_layout

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the real one is tested instead")

STEPS = 4
HALF = torch.float16


class Passed(NamedTuple):
    """What passed between host and device, and what the host waited for."""

    copies: list[str]
    waits: list[str]


class Gpu(NamedTuple):
    """The device with a model on it."""

    traffic: Traffic
    model: Model

    def passed(self) -> Passed:
        """Return what passed since this was asked last."""
        found = Passed(list(self.traffic.copies), list(self.traffic.waits))
        self.traffic.forget()
        return found

    def draw(self, wanted: GenerateSpec, **hooks: Any) -> list[Passed]:
        """Draw two pictures in a call of four; return what passed in each step, in the first one what it took before.

        Without `unet` there is one that is soon done.
        """
        steps: list[Passed] = []
        rows = [row_of(job, wanted) for job in (1, 2)]
        hooks = {"unet": echo, **hooks}
        latents = denoise(self.model, rows, wanted, 4, **hooks, on_step=lambda *_: steps.append(self.passed()))
        assert latents is not None
        assert (latents.device, latents.dtype, latents.shape) == (CUDA, HALF, (2, 4, 9, 8))
        return steps


def echo(rows: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    assert time.device == text.device == CUDA
    return torch.zeros_like(rows)


def placed(source: link.ModelSource, device: Device) -> Model:
    """Return a model on the device, by the way that every model comes there."""
    return load(source, device, link.Configure(link.Hardware()), lambda _report: None)


def device_with(**fields: Any) -> Device:
    usual = {"slice_attention": False, "slice_vae": False, "offload": False, "memory": 12 * GIB}
    return Device(**{"kind": "cuda", "handle": CUDA, "name": "none", "dtype": HALF, **usual, **fields})


@pytest.fixture(scope="module")
def ready(shallow: link.ModelSource) -> Gpu:
    """The device with a model, its prompts encoded and the map of its previews fitted, as that waits."""
    with fake_cuda(Traffic()) as traffic:
        model = placed(shallow, device_with())
        fit_ahead(model, device_with())
    return Gpu(traffic, model)


@pytest.fixture
def gpu(ready: Gpu) -> Iterator[Gpu]:
    with fake_cuda(ready.traffic):
        yield ready


# ---------------------------------------------------------------- a step


@pytest.mark.parametrize("guidance", [3.0, 1.0])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_step_waits_for_the_one_before_alone(gpu: Gpu, spec: Any, scheduler: Any, guidance: float) -> None:
    first, *others = gpu.draw(spec(scheduler=scheduler, guidance_scale=guidance, steps=STEPS))
    noise = ["to the device"] * (scheduler in TAKE_NOISE)

    assert first.waits == []
    assert others == [Passed(noise, ["an event"])] * len(others)
    assert len(others) >= STEPS - 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_preview_takes_one_copy_that_nobody_waits_for(gpu: Gpu, spec: Any, scheduler: Any) -> None:
    wanted = spec(scheduler=scheduler, steps=STEPS)
    ours, theirs = socket.socketpair()
    mailbox = Mailbox(theirs)
    mailbox.watch = link.Watch(all=True, rate=9e9, max_side=96)
    items = [link.Item(job, 1, "tarot", job, wanted, "x") for job in (1, 2)]
    with ours:
        first, *others = gpu.draw(wanted, on_predicted=Previewer(mailbox, gpu.model, items))

    assert [step.copies.count("to the host") for step in (first, *others)] == [1] * (1 + len(others))
    assert [step.waits for step in others] == [["an event"]] * len(others)


WAITED_FOR: list[tuple[Callable[[Prediction], Any], str]] = [
    (lambda said: said.predicted.sum().item(), "aten._local_scalar_dense"),
    (lambda said: bool(said.predicted.isnan().any()), "aten._local_scalar_dense"),
    (lambda said: torch.equal(said.predicted, said.latents), "aten.equal"),
    (lambda said: said.predicted.cpu(), "a copy to the host"),
    (lambda said: said.predicted[[0, 1]], "a copy to the device"),
    (lambda said: said.predicted[torch.tensor([0, 1])], "aten.index"),
    (lambda said: said.predicted + torch.tensor([0.1], device=CUDA), "a copy to the device"),
    (lambda _said: torch.ones(8).to(CUDA, non_blocking=True), "a copy to the device"),
    (lambda _said: torch.ones(8).pin_memory().to(CUDA), "a copy to the device"),
    (lambda _said: torch.ones(8).pin_memory().to(CUDA, HALF, non_blocking=True), "a copy to the device"),
]


@pytest.mark.parametrize(("ask", "waited"), WAITED_FOR)
def test_whoever_waits_in_a_step_is_found_out(gpu: Gpu, spec: Any, ask: Any, waited: str) -> None:
    first, *others = gpu.draw(spec(steps=STEPS), on_predicted=ask)

    assert first.waits == [waited]
    assert [step.waits for step in others] == [[waited, "an event"]] * (STEPS - 1)


@pytest.mark.parametrize(
    "mix_up",
    [
        lambda said: said.predicted + torch.ones(8),
        lambda said: torch.cat([said.predicted, torch.ones(4, 4, 9, 8)]),
        lambda said: torch.stack([said.predicted.sum(), torch.tensor(1.0)]),
    ],
)
def test_a_tensor_of_the_host_among_those_of_the_device_is_refused(gpu: Gpu, spec: Any, mix_up: Any) -> None:
    with pytest.raises(AssertionError, match="is given tensors of the host"):
        gpu.draw(spec(steps=STEPS), on_predicted=mix_up)


# ---------------------------------------------------------------- the UNet


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_a_call_of_the_unet_passes_nothing_between_host_and_device(gpu: Gpu, dtype: torch.dtype) -> None:
    rows, text = (torch.zeros(shape, device=CUDA, dtype=HALF) for shape in ((4, 4, 9, 8), (4, 77, 32)))
    time = torch.zeros((), device=CUDA, dtype=dtype)

    predicted = gpu.model.unet(rows, time, encoder_hidden_states=text, return_dict=False)[0]
    with sliced_attention(gpu.model):
        gpu.model.unet(rows, time, encoder_hidden_states=text, return_dict=False)

    assert (predicted.device, predicted.dtype) == (CUDA, HALF)
    assert gpu.passed() == Passed([], [])


def test_a_call_of_the_text_encoder_passes_nothing_either(gpu: Gpu) -> None:
    encoded = gpu.model.text_encoder(torch.zeros(1, 77, device=CUDA, dtype=torch.int64))[0]

    assert (encoded.device, encoded.shape) == (CUDA, (1, 77, 32))
    assert gpu.passed() == Passed([], [])


def test_a_captured_call_is_given_what_it_reads_by_copies_on_the_device_alone(gpu: Gpu, spec: Any) -> None:
    capture = FakeCapture(device_with())
    call = Eager(gpu.model.unet)
    inputs = tuple(torch.zeros(shape, device=CUDA, dtype=HALF) for shape in ((8, 4, 9, 8), (), (8, 77, 32)))
    _first, *others = gpu.draw(spec(steps=STEPS), unet=Captured(call, inputs, *capture(call, inputs)))

    assert capture.graphs[0].replays == STEPS
    assert others == [Passed([], ["an event"])] * (STEPS - 1)


def test_parts_that_take_turns_in_memory_do_so_before_the_first_step(
    gpu: Gpu, shallow: link.ModelSource, spec: Any
) -> None:
    moved = gpu._replace(model=placed(shallow, device_with(offload=True)))
    first, *others = moved.draw(spec(steps=STEPS), unet=None)

    assert "a copy to the host" in first.waits
    assert others == [Passed([], ["an event"])] * (STEPS - 1)


# ---------------------------------------------------------------- before and after


def test_pictures_take_two_copies_and_only_who_wants_one_waits(gpu: Gpu) -> None:
    decoded = decode(gpu.model, torch.zeros(3, 4, 9, 8, device=CUDA, dtype=HALF), 4)

    assert gpu.passed() == Passed(["to the host"] * 2, [])

    decoded.sound.fill_(1)  # what came from the device is 0

    assert decoded.picture(2).shape == (72, 64, 3)
    assert gpu.passed() == Passed([], ["an event"])


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"kohya-sai", "diffusers-old"}))
def test_a_mix_is_worked_out_on_the_device(gpu: Gpu, tmp_path: Path, layout: str) -> None:
    modules = {"unet": gpu.model.unet, "text_encoder": gpu.model.text_encoder}
    adapted = ("attn1.to_q", "resnets.0.conv1", "self_attn.q_proj")
    weights = {
        f"{part}.{name}": torch.ones(module.weight.shape)
        for part, whole in modules.items()
        for name, module in whole.named_modules()
        if name.endswith(adapted)
    }
    path = tmp_path / "one.safetensors"
    write_layout(path, layout, weights, alpha=2.0)

    (mixed,) = apply_mix(gpu.model, [("one", str(path), 0.7)])
    apply_mix(gpu.model, [])

    assert mixed.applied == 1
    assert set(gpu.passed().copies) == {"to the device"}


def test_slots_are_compared_and_calls_measured(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "CELLS", {})
    tuning = Tuning(device_with(), None)

    assert slots_are_independent(gpu.model, device_with()) is True
    assert tuning.size(gpu.model, Cells(9, 8), 4) in device_with().batch_sizes
    assert tuning.call_seconds(gpu.model, Cells(9, 8)).keys() == {1, 4}
