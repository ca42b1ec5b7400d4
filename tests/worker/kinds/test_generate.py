"""An order in this process: one picture's trouble is not its neighbours'."""

from __future__ import annotations

import json
import logging
import socket
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from imagineerd import link
from imagineerd.errors import LoraError
from imagineerd.jobs import LoraWeight
from imagineerd.worker import devices
from imagineerd.worker.cache import Cache
from imagineerd.worker.capturing import Captures
from imagineerd.worker.compiling import Graphs, Shape, whole
from imagineerd.worker.context import Context
from imagineerd.worker.failures import explain
from imagineerd.worker.kinds import generate
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import Library, load, sliced_attention
from worker.decided import Decided
from worker.fake_graphs import FakeCapture


class Desk:
    """A context whose reports can be read back; `told` are those of the order drawn last."""

    def __init__(self, device: Any) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(60)
        configure = link.Configure(link.Hardware(device="cpu"), offline=True)
        mailbox = Mailbox(theirs)
        self.context = Context(mailbox, configure, device, Library(device, configure, mailbox.send))

    def draw(self, render: link.Render) -> list[link.Report]:
        """Run an order as the worker does; return the answers."""
        order = self.context.orders.begin(render)
        try:
            generate.run(order, self.context)
        except Exception as error:  # noqa: BLE001 - as the worker does
            order.fail(*explain(error))
        self.context.orders.end(order)
        self.told = list(iter(self._receive, None))
        return [report for report in self.told if isinstance(report, link.Finished | link.Failed | link.Stopped)]

    def _receive(self) -> link.Report | None:
        """Return the next report of an order, None at its end."""
        header = self.ours.recv(4, socket.MSG_WAITALL)
        report = link.decode_report(self.ours.recv(link.length_of(header), socket.MSG_WAITALL))
        return None if isinstance(report, link.OrderDone) else report


@pytest.fixture
def desk(device: Any) -> Desk:
    return Desk(device)


@pytest.fixture
def order(source: link.ModelSource, spec: Any, tmp_path: Path) -> link.Render:
    items = tuple(link.Item(job, 1, "b", job, spec(seed=job), str(tmp_path / f"{job}")) for job in (1, 2, 3))
    return link.Render(items, source, 4)


def decode_that_fails(monkeypatch: pytest.MonkeyPatch, calls: set[int]) -> list[int]:
    """Let memory run out in these calls of the VAE, counted from 1; return the sizes that are tried."""
    tried: list[int] = []
    real = generate.decode

    def decode(model: Any, latents: torch.Tensor, size: int) -> Any:
        tried.append(size)
        if len(tried) in calls:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return real(model, latents, size)

    monkeypatch.setattr(generate, "decode", decode)
    return tried


def write_lora(path: Path) -> None:
    name = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    save_file({f"{name}.lora_A.weight": torch.ones(1, 16), f"{name}.lora_B.weight": torch.ones(16, 1)}, path)


def test_a_picture_of_nan_fails_alone(desk: Desk, order: link.Render, monkeypatch: pytest.MonkeyPatch) -> None:
    real = generate.denoise

    def denoise(*args: Any, **hooks: Any) -> Any:
        latents = real(*args, **hooks)
        latents[1] = float("nan")
        return latents

    monkeypatch.setattr(generate, "denoise", denoise)
    answers = {report.job: type(report).__name__ for report in desk.draw(order)}

    assert answers == {1: "Finished", 2: "Failed", 3: "Finished"}


def test_pictures_that_did_not_fit_are_decoded_once_more_and_then_one_by_one(
    desk: Desk, order: link.Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = decode_that_fails(monkeypatch, {1, 2, 4})
    answers = {report.job: type(report).__name__ for report in desk.draw(order)}

    assert answers == {1: "Finished", 2: "Finished", 3: "Finished"}
    assert tried == [4, 4, 1, 1, 1, 1]
    assert {json.loads((tmp_path / f"{job}.json").read_text())["decode_batch"] for job in (1, 2, 3)} == {1}


def test_a_picture_that_is_not_decoded_even_alone_fails_alone(
    desk: Desk, order: link.Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_that_fails(monkeypatch, {1, 2, 4, 5})
    answers = {report.job: report for report in desk.draw(order)}

    assert isinstance(failed := answers[2], link.Failed)
    assert failed.code == "E_OOM"
    assert {type(answers[job]) for job in (1, 3)} == {link.Finished}


# ---------------------------------------------------------------- memory


def memory_for(monkeypatch: pytest.MonkeyPatch, fits: Callable[[list[int], int], bool]) -> list[int]:
    """Let sampling run out of memory where the seeds do not fit at a batch size; return the sizes that are tried."""
    tried: list[int] = []
    real = generate.denoise

    def denoise(model: Any, rows: Any, spec: Any, batch_size: int, **hooks: Any) -> Any:
        tried.append(batch_size)
        if not fits([row.seed for row in rows], batch_size):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return real(model, rows, spec, batch_size, **hooks)

    monkeypatch.setattr(generate, "denoise", denoise)
    return tried


def test_a_call_that_does_not_fit_is_halved_until_it_does(
    desk: Desk, order: link.Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = memory_for(monkeypatch, lambda _seeds, size: size <= 2)
    answers = {report.job: type(report).__name__ for report in desk.draw(order)}

    assert answers == {1: "Finished", 2: "Finished", 3: "Finished"}
    assert tried == [4, 2, 2]
    assert {json.loads((tmp_path / f"{job}.json").read_text())["batch_size"] for job in (1, 2, 3)} == {2}


def test_one_that_does_not_even_fit_alone_fails_alone(
    desk: Desk, order: link.Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = memory_for(monkeypatch, lambda seeds, size: size == 1 and 2 not in seeds)
    answers = {report.job: report for report in desk.draw(order)}

    assert isinstance(failed := answers[2], link.Failed)
    assert failed.code == "E_OOM"
    assert failed.message.startswith("The device ran out of memory: use a smaller size")
    assert tried == [4, 2, 1, 1, 1, 2, 1]
    assert {path.name for path in tmp_path.glob("*.png")} == {"1.png", "3.png"}


def test_the_next_order_begins_with_the_size_that_fitted(
    desk: Desk, order: link.Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = memory_for(monkeypatch, lambda _seeds, size: size <= 2)
    desk.draw(order)
    desk.draw(order)

    assert tried == [4, 2, 2, 2, 2]


def test_one_that_does_not_fit_alone_is_drawn_with_sliced_attention_and_the_next_one_is_not(
    desk: Desk, order: link.Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def fits(seeds: list[int], size: int) -> bool:
        calls.append(size)
        return size == 1 and (2 not in seeds or calls.count(1) == 3)

    memory_for(monkeypatch, fits)
    answers = {report.job: type(report).__name__ for report in desk.draw(order)}
    sliced = {job: json.loads((tmp_path / f"{job}.json").read_text())["attention_sliced"] for job in (1, 2, 3)}

    assert answers == {1: "Finished", 2: "Finished", 3: "Finished"}
    assert sliced == {1: False, 2: True, 3: False}


def test_after_memory_ran_out_the_next_order_is_drawn(
    desk: Desk, order: link.Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        memory_for(patched, lambda _seeds, _size: False)
        assert {report.code for report in desk.draw(order) if isinstance(report, link.Failed)} == {"E_OOM"}

    assert {type(report) for report in desk.draw(order)} == {link.Finished}


def test_a_job_that_is_cancelled_between_two_halves_is_not_drawn(
    desk: Desk, order: link.Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = memory_for(monkeypatch, lambda _seeds, size: size <= 2)
    monkeypatch.setattr(desk.context.mailbox, "cancelled", lambda job: job == 3 and len(tried) > 1)
    answers = {report.job: type(report).__name__ for report in desk.draw(order)}

    assert answers == {1: "Finished", 2: "Finished", 3: "Stopped"}


def test_a_model_that_does_not_fit_is_tried_again_with_all_others_gone(
    desk: Desk, order: link.Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, kept = desk.context.library.get, []
    monkeypatch.setattr(desk.context.library, "keep", kept.append)

    def get(source: link.ModelSource) -> Any:
        if not kept:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(source)

    monkeypatch.setattr(desk.context.library, "get", get)

    assert {type(report) for report in desk.draw(order)} == {link.Finished}
    assert kept[0] == 0


def test_nothing_is_left_of_an_unloaded_model(desk: Desk, order: link.Render) -> None:
    desk.draw(order)
    model = weakref.ref(desk.context.library.get(order.source))
    desk.context.unload()

    assert model() is None


@pytest.mark.gpu
@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="there is no CUDA device")
def test_ten_decks_leave_no_more_on_the_gpu_than_two(source: link.ModelSource, spec: Any, tmp_path: Path) -> None:
    desk = Desk(devices.choose(link.Hardware(device="cuda")))
    write_lora(tmp_path / "ink.safetensors")
    left = []
    for deck in range(10):
        mix = (LoraWeight("ink", 0.1 * (deck % 2)),)
        items = tuple(
            link.Item(card, 1, "b", card, spec(seed=card, mix=mix), str(tmp_path / f"{deck}_{card}"))
            for card in range(4)
        )
        answers = desk.draw(link.Render(items, source, 4, (("ink", str(tmp_path / "ink.safetensors")),)))
        assert {type(answer) for answer in answers} == {link.Finished}
        left.append(torch.cuda.memory_allocated())

    assert left[-1] == left[1]


# ---------------------------------------------------------------- compiled


@pytest.fixture(scope="module")
def compiled_model(shallow: link.ModelSource, device: Any) -> Iterator[Any]:
    """A model with graphs that are warm for calls of four and of one; to make them takes seconds."""
    torch._dynamo.reset()
    logging.getLogger("torch.__trace").propagate = False  # to pytest, which keeps every line of it
    model = load(shallow, device, link.Configure(link.Hardware()), lambda _report: None)
    model.graphs = Graphs(model.unet, partial(whole, backend="eager"))
    for size in (4, 1):
        assert model.graphs.unet_for(shape_of(size)) is None
    model.graphs.wait()
    yield model
    torch._dynamo.reset()


@pytest.fixture
def graphs(desk: Desk, order: link.Render, compiled_model: Any) -> Graphs:
    """The graphs of the model that the desk draws with."""
    decided = Decided(compiled_model.graphs, compiled_model, desk.context.device)
    draw_with(desk, order, replace(compiled_model, graphs=decided))
    return compiled_model.graphs


def draw_with(desk: Desk, order: link.Render, model: Any) -> None:
    desk.context.library._loaded[order.source.name, order.source.path, order.source.revision] = model


def shape_of(size: int) -> Shape:
    return Shape(2 * size, 9, 8)


def told_of(folder: Path, *keys: str) -> dict[int, tuple[Any, ...]]:
    """Return what the sidecars of jobs 1 to 3 say."""
    sidecars = {job: json.loads((folder / f"{job}.json").read_text()) for job in (1, 2, 3)}
    return {job: tuple(about[key] for key in keys) for job, about in sidecars.items()}


@pytest.mark.usefixtures("graphs")
def test_what_a_graph_draws_is_called_compiled_and_is_the_same_picture(
    desk: Desk, order: link.Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.draw(order)
    compiled, pictures = told_of(tmp_path, "compiled"), levels_of(tmp_path)
    for path in (*tmp_path.glob("*.png"), *tmp_path.glob("*.json")):
        path.unlink()
    monkeypatch.setattr(desk.context.library.get(order.source), "graphs", None)
    desk.draw(order)

    assert set(compiled.values()) == {(True,)}
    assert set(told_of(tmp_path, "compiled").values()) == {(False,)}
    assert max(abs(one - other) for one, other in zip(pictures, levels_of(tmp_path), strict=True)) <= 1


def test_what_is_drawn_with_sliced_attention_is_drawn_eagerly_and_costs_no_graph(
    desk: Desk, order: link.Render, tmp_path: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def fits(seeds: list[int], size: int) -> bool:
        calls.append(size)
        return size == 1 and (2 not in seeds or calls.count(1) == 3)

    with monkeypatch.context() as patched:
        memory_for(patched, fits)
        desk.draw(order)

    told = told_of(tmp_path, "compiled", "attention_sliced")
    assert told == {1: (True, False), 2: (False, True), 3: (True, False)}
    assert all(graphs.unet_for(shape_of(size)) for size in (1, 4))


def test_what_no_graph_fitted_is_not_called_compiled(
    desk: Desk, order: link.Render, tmp_path: Path, graphs: Graphs
) -> None:
    one = link.Render(order.items[:1], order.source, 1)
    assert graphs.unet_for(shape_of(1)) is not None
    with sliced_attention(desk.context.library.get(order.source)):  # another UNet than was compiled
        (answer,) = desk.draw(one)

    assert isinstance(answer, link.Finished)
    assert json.loads((tmp_path / "1.json").read_text())["compiled"] is False
    assert graphs.unet_for(shape_of(1)) is None


@pytest.fixture
def capture(desk: Desk, order: link.Render, model: Any) -> FakeCapture:
    """What captures the calls of the model that the desk draws with; nothing of it is compiled."""
    made = FakeCapture(desk.context.device)
    draw_with(desk, order, replace(model, captures=Captures(made), prompts=Cache(1, lambda _: 1)))
    return made


def test_what_is_captured_is_the_same_picture_to_the_bit(
    desk: Desk, order: link.Render, tmp_path: Path, capture: FakeCapture, model: Any
) -> None:
    desk.draw(order)
    replays, pictures = [graph.replays for graph in capture.graphs], levels_of(tmp_path)
    for path in (*tmp_path.glob("*.png"), *tmp_path.glob("*.json")):
        path.unlink()
    draw_with(desk, order, model)
    desk.draw(order)

    assert replays == [1 + order.items[0].spec.steps, 1 + 2]  # compared; the steps, and two prompts
    assert pictures == levels_of(tmp_path)


def test_where_memory_runs_out_captured_calls_give_theirs_back_and_the_pictures_are_drawn(
    desk: Desk, order: link.Render, tmp_path: Path, capture: FakeCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_for(monkeypatch, lambda _seeds, size: size < 4)
    answers = desk.draw(order)

    assert {type(answer) for answer in answers} == {link.Finished}
    assert all(graph.was_reset for graph in capture.graphs)
    assert set(told_of(tmp_path, "batch_size").values()) == {(2,)}


def test_what_only_captured_calls_were_in_the_way_of_is_not_halved(
    desk: Desk, order: link.Render, tmp_path: Path, capture: FakeCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = memory_for(monkeypatch, lambda _seeds, _size: all(graph.was_reset for graph in capture.graphs))
    desk.draw(order)

    assert tried == [4, 4]
    assert set(told_of(tmp_path, "batch_size").values()) == {(4,)}


def levels_of(folder: Path) -> list[int]:
    """Return the levels of the pictures of jobs 1 to 3."""
    levels: list[int] = []
    for job in (1, 2, 3):
        with Image.open(folder / f"{job}.png") as picture:
            levels += picture.tobytes()
    return levels


# ---------------------------------------------------------------- LoRAs


def test_a_lora_that_changed_since_it_was_accepted_is_refused(
    desk: Desk, order: link.Render, spec: Any, tmp_path: Path
) -> None:
    write_lora(tmp_path / "ink.safetensors")
    mixed = spec(mix=(LoraWeight("ink", 0.5, "ab" * 32),))
    item = link.Item(1, 1, "b", 1, mixed, str(tmp_path / "a"))
    (failed,) = desk.draw(link.Render((item,), order.source, 1, (("ink", str(tmp_path / "ink.safetensors")),)))

    assert failed.code == LoraError.code
    assert "has changed" in failed.message


def test_what_a_change_of_the_mix_took_is_told_once_it_is_drawn_and_nothing_where_there_was_none(
    desk: Desk, order: link.Render, spec: Any, tmp_path: Path
) -> None:
    write_lora(tmp_path / "ink.safetensors")
    took = []
    for weight in (0.5, 0.5, 0.7, None):
        mix = (LoraWeight("ink", weight),) if weight else ()
        item = link.Item(1, 1, "b", 1, spec(mix=mix), str(tmp_path / "a"))
        desk.draw(link.Render((item,), order.source, 1, (("ink", str(tmp_path / "ink.safetensors")),)))
        took += [report.mix_seconds for report in desk.told if isinstance(report, link.Drawn)]

    assert [seconds > 0 for seconds in took] == [True, False, True, True]


def test_the_sidecar_holds_the_mix_with_its_hashes(desk: Desk, order: link.Render, spec: Any, tmp_path: Path) -> None:
    write_lora(tmp_path / "ink.safetensors")
    item = link.Item(1, 1, "b", 1, spec(mix=(LoraWeight("ink", 0.5),)), str(tmp_path / "a"))
    desk.draw(link.Render((item,), order.source, 1, (("ink", str(tmp_path / "ink.safetensors")),)))
    (lora,) = json.loads((tmp_path / "a.json").read_text())["mix"]

    assert (lora["name"], lora["weight"], lora["applied"], len(lora["sha256"])) == ("ink", 0.5, 1.0, 64)
