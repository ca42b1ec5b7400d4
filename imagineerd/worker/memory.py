"""Do something that may run out of memory, so that afterwards the memory is there again; tell what something takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import torch

from imagineerd.errors import OutOfMemory
from imagineerd.worker.devices import Device
from imagineerd.worker.failures import explain, is_out_of_memory

RESERVE: Final = 1.1
"""What is predicted may be short by a tenth: memory is given out in blocks."""
T = TypeVar("T")


def within_memory(act: Callable[[], T], give_back: Callable[[], None], *, tries: int = 1) -> T:
    """Return what `act` returns; each time that memory runs out, `give_back` is called.

    Raises `OutOfMemory` after so many `tries`, without the tensors that the original exception holds by its traceback.
    """
    said = ""
    for _ in range(tries):
        try:
            return act()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            said = explain(error)[1]
        give_back()  # outside `except`, which keeps the traceback alive
    raise OutOfMemory(said)


def with_peak(device: Device, act: Callable[[], T]) -> tuple[T, int]:
    """Return what `act` returns, and the bytes at its peak above what was in use before; 0 elsewhere than on CUDA."""
    if device.kind != "cuda":
        return act(), 0
    torch.cuda.reset_peak_memory_stats(device.handle)
    before = torch.cuda.memory_allocated(device.handle)
    result = act()
    return result, max(0, torch.cuda.max_memory_allocated(device.handle) - before)
