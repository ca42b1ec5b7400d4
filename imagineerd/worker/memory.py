"""Do something that may run out of memory, so that afterwards the memory is there again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from imagineerd.errors import OutOfMemory
from imagineerd.worker.failures import explain, is_out_of_memory

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
