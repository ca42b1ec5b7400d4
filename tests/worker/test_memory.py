"""Memory that ran out is there again before anything else is tried; what something takes is told."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch

from imagineerd.errors import OutOfMemory
from imagineerd.worker.memory import with_peak, within_memory

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


def nothing() -> None:
    """Give back nothing."""


def test_what_fits_is_done_once() -> None:
    assert within_memory(lambda: 7, nothing) == 7


def test_the_tensors_of_a_failed_try_are_gone_when_memory_is_given_back() -> None:
    left: list[weakref.ref[torch.Tensor]] = []
    seen: list[bool] = []

    def act() -> None:
        big = torch.zeros(1000)
        left.append(weakref.ref(big))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def give_back() -> None:
        gc.collect()
        seen.append(left[-1]() is None)

    with pytest.raises(OutOfMemory):
        within_memory(act, give_back, tries=2)
    assert seen == [True, True]


def test_a_second_try_may_fit() -> None:
    free: list[int] = []

    def act() -> int:
        if not free:
            raise FULL
        return 7

    assert within_memory(act, lambda: free.append(1), tries=2) == 7


@pytest.mark.parametrize("error", [FULL, MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_what_never_fits_is_told_in_a_sentence_with_a_remedy(error: Exception) -> None:
    def act() -> None:
        raise error

    with pytest.raises(
        OutOfMemory, match=r"^The device ran out of memory: use a smaller size, or set hardware\."
    ) as caught:
        within_memory(act, nothing)
    assert caught.value.code == "E_OOM"
    assert caught.value.__context__ is None


def test_any_other_error_is_left_alone() -> None:
    def act() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        within_memory(act, nothing)


def test_elsewhere_than_on_cuda_a_peak_is_not_known(device: Any) -> None:
    assert with_peak(device, lambda: 7) == (7, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_peak_is_what_stood_there_meanwhile(device: Any) -> None:
    gpu = replace(device, kind="cuda", handle=torch.device("cuda:0"))
    kept = torch.zeros(1_000_000, device="cuda:0")

    assert with_peak(gpu, lambda: torch.zeros(2_000_000, device="cuda:0").sum().item())[1] >= 8_000_000
    assert with_peak(gpu, lambda: kept.sum().item())[1] < 4_000_000
