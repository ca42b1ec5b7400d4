"""Models are loaded, kept and evicted."""

from __future__ import annotations

import dataclasses
import shutil
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from imagineerd import link
from imagineerd.errors import ModelError
from imagineerd.worker import models
from imagineerd.worker.decode import decode
from imagineerd.worker.denoise import denoise, row_of
from imagineerd.worker.devices import GIB
from imagineerd.worker.models import Library, load

CONFIGURE = link.Configure(link.Hardware(device="cpu"), offline=True)


def nothing(_report: link.Message) -> None:
    pass


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def test_a_model_that_is_used_again_is_kept(source: link.ModelSource, device: Any) -> None:
    reports: list[link.Message] = []
    library = Library(device, CONFIGURE, reports.append)
    first, second = library.get(source), library.get(source)

    assert first is second
    assert [type(report).__name__ for report in reports] == ["Loading", "Loaded"]
    assert reports[1].revision == first.revision


def test_for_a_model_that_is_evicted_nothing_is_captured_and_compiled_any_more(
    source: link.ModelSource, device: Any
) -> None:
    ended: list[str] = []
    library = Library(device, CONFIGURE, nothing)
    model: Any = library.get(source)
    model.captures = SimpleNamespace(give_back=lambda: ended.append("captures"))
    model.graphs = SimpleNamespace(close=lambda: ended.append("graphs"))
    library.keep(0)

    assert ended == ["captures", "graphs"]


@pytest.mark.parametrize(("memory", "loads"), [(8 * GIB, 3), (24 * GIB, 2)])
def test_a_second_model_is_kept_where_there_is_room(
    source: link.ModelSource, copy: Path, device: Any, memory: int, loads: int
) -> None:
    reports: list[link.Message] = []
    library = Library(dataclasses.replace(device, memory=memory), CONFIGURE, reports.append)
    for used in (source, link.ModelSource("copy", str(copy)), source):
        library.get(used)

    assert len([report for report in reports if isinstance(report, link.Loaded)]) == loads


def test_a_model_that_is_evicted_is_gone_when_memory_is_given_back_to_the_device(
    source: link.ModelSource, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(device, link.Configure(link.Hardware()), lambda _report: None)
    evicted, left = weakref.ref(library.get(source)), []
    monkeypatch.setattr(models, "free_cached", lambda _device: left.append(evicted()))
    library.keep(0)

    assert left == [None]


def test_the_wanted_dtype_is_loaded(source: link.ModelSource, device: Any) -> None:
    half = load(source, dataclasses.replace(device, dtype=torch.float16), CONFIGURE, nothing)

    assert {part.dtype for part in half.parts} == {torch.float16}
    assert not any(value.requires_grad for value in half.unet.parameters())


def test_a_folder_with_half_weights_alone_will_do(copy: Path, device: Any) -> None:
    for path in list(copy.rglob("*.safetensors")):
        path.rename(path.with_suffix(".fp16.safetensors"))

    assert load(link.ModelSource("copy", str(copy)), device, CONFIGURE, nothing).unet.dtype == torch.float32


@pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"\xff" * 64])
def test_damaged_weights_are_one_sentence(copy: Path, device: Any, content: bytes) -> None:
    (copy / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(content)

    with pytest.raises(ModelError, match='The model "copy" cannot be loaded') as caught:
        load(link.ModelSource("copy", str(copy)), device, CONFIGURE, nothing)
    assert "\n" not in caught.value.message


def test_a_pickle_is_never_loaded(copy: Path, device: Any) -> None:
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))

    with pytest.raises(ModelError, match="vae"):
        load(link.ModelSource("copy", str(copy)), device, CONFIGURE, nothing)


@pytest.mark.parametrize("compiles", [True, False])
def test_a_unet_that_may_be_compiled_has_the_channels_of_a_pixel_side_by_side(
    shallow: link.ModelSource, device: Any, *, compiles: bool
) -> None:
    placed = load(shallow, dataclasses.replace(device, compile=compiles), CONFIGURE, nothing)

    assert placed.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last) is compiles


def test_slicing_changes_no_picture(source: link.ModelSource, device: Any, model: Any, spec: Any) -> None:

    sliced = load(source, dataclasses.replace(device, slice_attention=True, slice_vae=True), CONFIGURE, nothing)
    one, other = (denoise(part, [row_of(1, spec())], spec(), 1) for part in (model, sliced))

    torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_offloading_changes_no_bit(source: link.ModelSource, device: Any, model: Any, spec: Any) -> None:

    offloaded = load(source, dataclasses.replace(device, offload=True), CONFIGURE, nothing)
    pictures = [
        decode(part, denoise(part, [row_of(1, spec())], spec(), 1), 1).picture(0) for part in (model, offloaded)
    ]

    assert torch.equal(*pictures)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_half_precision_draws_nearly_the_same_picture(
    source: link.ModelSource, device: Any, model: Any, spec: Any
) -> None:
    half = load(source, dataclasses.replace(device, dtype=torch.float16), CONFIGURE, nothing)
    # oneDNN's fp16 convolution (CPU) now and then reads memory that nobody wrote; no CPU worker runs in fp16.
    with torch.backends.mkldnn.flags(enabled=False):
        latents = [denoise(part, [row_of(1, spec())], spec(), 1) for part in (model, half)]
        full, halved = (decode(part, latent, 1).picture(0) for part, latent in zip((model, half), latents, strict=True))

    assert latents[1].dtype == torch.float16
    assert (full.int() - halved.int()).abs().float().mean() < 2


def test_a_machine_without_memory_for_a_model_is_told_that_and_not_that_the_model_is_wrong(
    source: link.ModelSource, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_folder(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes.")

    monkeypatch.setattr(models, "_load_folder", load_folder)

    with pytest.raises(RuntimeError, match="allocate memory"):
        load(source, device, CONFIGURE, nothing)
