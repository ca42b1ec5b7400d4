"""Memory that ran out is there again before anything else is tried."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from imagineerd.errors import OutOfMemory
from imagineerd.worker.memory import within_memory

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
