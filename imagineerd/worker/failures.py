"""Say what went wrong in a job: a wire code and one sentence; or that the process cannot be trusted any more."""

from __future__ import annotations

import errno

import torch

from imagineerd.errors import Code, ImagineerError

LOST_DEVICE = 70
"""Exit status (EX_SOFTWARE) after a CUDA error that is not a lack of memory: the context is gone with it."""
_DISK = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO}


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether device or host memory ran out; the process may go on."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def is_device_lost(error: BaseException) -> bool:
    """Say whether the CUDA context is broken ("only terminate the process", CUDA C++ guide on sticky errors)."""
    if is_out_of_memory(error):
        return False
    return isinstance(error, torch.AcceleratorError) or (isinstance(error, RuntimeError) and "CUDA error" in str(error))


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
