"""What an error means: memory that ran out, a device that is lost, or one card's trouble."""

from __future__ import annotations

import pytest
import torch

from imagineerd.worker.failures import explain, is_device_lost, is_out_of_memory

OUT_OF_MEMORY = [
    "CUDA error: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "Triton Error [CUDA]: out of memory",
    "MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB).",
    "could not create a primitive",
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory",
]
LOST = [
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx(handle)`",
    "CUDA driver error: unspecified launch failure",
    "Triton Error [CUDA]: an illegal memory access was encountered",
]


@pytest.mark.parametrize("said", OUT_OF_MEMORY)
def test_want_of_memory_is_known_whoever_tells_it(said: str) -> None:
    error = RuntimeError(said)

    assert is_out_of_memory(error)
    assert not is_device_lost(error)
    assert explain(error)[0] == "E_OOM"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_torch_and_python_tell_it_by_their_own_errors(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("said", LOST)
def test_any_other_error_of_cuda_means_that_the_device_is_lost(said: str) -> None:
    assert is_device_lost(RuntimeError(said))


@pytest.mark.skipif(not hasattr(torch, "AcceleratorError"), reason="this torch has no AcceleratorError")
def test_torchs_own_word_for_it_is_enough() -> None:
    assert is_device_lost(torch.AcceleratorError("unspecified launch failure"))


@pytest.mark.parametrize(
    ("said", "is_lost"), [(LOST[0], True), (OUT_OF_MEMORY[0], False), ("size mismatch, got 3 and 4", False)]
)
def test_a_torch_that_has_no_such_word_is_understood(
    monkeypatch: pytest.MonkeyPatch, said: str, *, is_lost: bool
) -> None:
    monkeypatch.delattr(torch, "AcceleratorError", raising=False)

    assert is_device_lost(RuntimeError(said)) is is_lost


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError("CUDA error: out of memory")])
def test_what_is_neither_is_one_cards_trouble(error: Exception) -> None:
    assert not is_out_of_memory(error)
    assert not is_device_lost(error)
    assert explain(error)[0] == "E_INTERNAL"
