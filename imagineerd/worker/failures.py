"""Say what went wrong in a job: a wire code and one sentence; or that the process cannot be trusted any more."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import NoReturn

import torch

from imagineerd.errors import Code, ImagineerError

LOST_DEVICE = 70
"""Exit status (EX_SOFTWARE) after a CUDA error that is not a lack of memory: the context is gone with it."""
_FULL = (
    "out of memory",
    "can't allocate memory",
    "could not create a primitive",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
)
"""How want of memory is told where torch does not: by CUDA, Triton, MPS, a CPU, oneDNN, cuBLAS, cuDNN 8 and 9."""
_LOST = ("CUDA error", "CUDA driver error", "Triton Error [CUDA]")
_DISK = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO}


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether device or host memory ran out; the process may go on."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _FULL)


def is_device_lost(error: BaseException) -> bool:
    """Say whether the CUDA context is broken ("only terminate the process", CUDA C++ guide on sticky errors)."""
    if is_out_of_memory(error):
        return False
    of_torch_2_8 = getattr(torch, "AcceleratorError", ())
    return isinstance(error, of_torch_2_8) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in _LOST)
    )


def leave_without_device() -> NoReturn:
    """End the process from any thread, in the midst of an `except`. The daemon gives back what has no answer yet."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(LOST_DEVICE)


def explain(error: BaseException) -> tuple[Code, str]:
    """Return the code and the sentence for an exception of a job."""
    if isinstance(error, ImagineerError):
        return error.code, error.message
    if is_out_of_memory(error):
        return "E_OOM", (
            "The device ran out of memory: use a smaller size, or set hardware.enable_vae_slicing, "
            "hardware.enable_attention_slicing or hardware.enable_cpu_offload to true. "
            f"({_first_line(error)})"
        )
    if isinstance(error, OSError) and error.errno in _DISK:
        return "E_DISK", f"The disk fails: {error.strerror} ({error.filename})."
    return "E_INTERNAL", f"The worker failed with {type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or "no text"
