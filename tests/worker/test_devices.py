"""The device is what was asked for, or an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.torch_version import TorchVersion

from imagineerd.errors import Invalid
from imagineerd.link import Hardware
from imagineerd.worker.devices import (
    GIB,
    Thrift,
    batch_sizes,
    choose,
    free_memory,
    may_capture,
    may_compile,
    resident_bytes,
    set_up,
    thrift_of,
)


@pytest.mark.parametrize(
    ("kind", "memory", "expected"),
    [
        ("cpu", 4 * GIB, (1, 4)),
        ("mps", 64 * GIB, (1,)),
        ("cuda", 4 * GIB, (1,)),
        ("cuda", 12 * GIB, (1, 4)),
        ("cuda", 8 * GIB, (1, 4)),
        ("cuda", 24 * GIB, (1, 4, 8)),
        ("cuda", 80 * GIB, (1, 4, 8, 16, 18)),
    ],
)
def test_batch_sizes_follow_the_memory(kind: str, memory: int, expected: tuple[int, ...]) -> None:
    assert batch_sizes(kind, memory) == expected


@pytest.mark.parametrize(
    ("memory", "dtype", "thrift"),
    [
        (24 * GIB, torch.float16, (False, False)),
        (6 * GIB, torch.float16, (False, False)),
        (4 * GIB, torch.float16, (True, False)),
        (2 * GIB, torch.float16, (True, True)),
        (12 * GIB, torch.float32, (False, False)),
        (8 * GIB, torch.float32, (True, False)),
        (4 * GIB, torch.float32, (True, True)),
    ],
)
def test_a_small_card_keeps_idle_parts_off_it_and_a_smaller_one_slices_attention_too(
    memory: int, dtype: torch.dtype, thrift: tuple[bool, bool]
) -> None:
    assert thrift_of(Hardware(), "cuda", memory, dtype) == thrift


@given(st.integers(GIB, 200 * GIB), st.integers(GIB, 200 * GIB), st.tuples(st.booleans(), st.booleans()))
def test_the_more_memory_a_card_has_the_less_is_done_for_want_of_it_and_what_the_config_asks_for_is_done_always(
    one: int, other: int, asked: tuple[bool, bool]
) -> None:
    hardware = Hardware(cpu_offload=asked[0], attention_slicing=asked[1])
    small, big = (thrift_of(hardware, "cuda", memory, torch.float16) for memory in sorted((one, other)))

    for less, more, own in zip(big, small, asked, strict=True):
        assert own <= less <= more
    assert small.offload or asked[1] or not small.slice_attention


@pytest.mark.parametrize(
    ("kind", "thrift", "torch_version", "allowed"),
    [
        ("cuda", Thrift(offload=False, slice_attention=False), "2.13.0+cu130", (True, True)),
        ("cuda", Thrift(offload=False, slice_attention=False), "2.12.0", (True, True)),
        ("cuda", Thrift(offload=False, slice_attention=False), "2.6.0+cu124", (True, False)),
        ("cuda", Thrift(offload=True, slice_attention=False), "2.13.0", (False, False)),
        ("cuda", Thrift(offload=False, slice_attention=True), "2.13.0", (False, False)),
        ("cpu", Thrift(offload=False, slice_attention=False), "2.13.0", (False, False)),
    ],
)
def test_captured_is_on_a_gpu_what_is_neither_sliced_nor_moved_and_compiled_by_a_torch_that_can_beside_the_work(
    monkeypatch: pytest.MonkeyPatch, kind: str, thrift: Thrift, torch_version: str, allowed: tuple[bool, bool]
) -> None:
    monkeypatch.setattr(torch, "__version__", TorchVersion(torch_version))

    assert (may_capture(kind, thrift), may_compile(kind, thrift)) == allowed


def test_elsewhere_nothing_is_done_by_itself() -> None:
    assert thrift_of(Hardware(cpu_offload=True), "cpu", GIB, torch.float32) == (False, False)


@pytest.mark.parametrize("wanted", ["tpu", "cuda:x", "", "cpu:0:0"])
def test_an_unknown_device_is_refused(wanted: str) -> None:
    with pytest.raises(Invalid, match=r"hardware\.device"):
        choose(Hardware(device=wanted))


def test_the_cpu_draws_in_full_precision() -> None:
    device = choose(Hardware(device="cpu", cpu_offload=True, vae_slicing=True, compile=True))

    assert (device.kind, device.dtype, device.offload, device.slice_vae) == ("cpu", torch.float32, False, True)
    assert not device.compile
    assert not device.capture
    assert device.memory > free_memory(device) > 0
    assert device.name
    assert device.memory > resident_bytes() > 0


def test_sums_are_worked_out_the_same_way_each_time_and_in_full_precision() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    with cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=True):
        matmul.allow_tf32 = True
        set_up(choose(Hardware(device="cpu")), threads=0)

        assert (cudnn.benchmark, cudnn.deterministic) == (False, True)
        assert (cudnn.allow_tf32, matmul.allow_tf32) == (False, False)


def test_a_gpu_is_the_current_device_so_that_nothing_comes_back_to_another_one(
    device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    current: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    second = replace(device, kind="cuda", handle=torch.device("cuda:1"))

    set_up(second, threads=0)

    assert current == [second.handle]
