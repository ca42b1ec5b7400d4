"""How long the device was at something, and how far it is.

Nobody waits for the end of a span while it goes on: who wants to know its length does, later.
"""

from __future__ import annotations

import time
from typing import Any

import torch


class Span:
    """From now to `end`, by the device's own clock where it is CUDA: what it was asked for before does not count."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._marks = [event_on(device)]
        self._times = [time.monotonic()]

    def end(self) -> Span:
        """End it here, that is, when the device has done what it was asked for so far."""
        self._marks.append(event_on(self._device))
        self._times.append(time.monotonic())
        return self

    def wait(self) -> None:
        """Wait until the end has come."""
        if self._marks[1] is not None:
            self._marks[1].synchronize()

    def seconds(self) -> float:
        """Wait until the end has come; return how long it took."""
        self.wait()
        begun, ended = self._marks
        return self._times[1] - self._times[0] if begun is None else float(begun.elapsed_time(ended)) / 1000


class Pace:
    """Keeps the host one step ahead of the device, and no more: else it says and hears what is far from being drawn."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._asked: Any = None

    def step(self) -> None:
        """Note that all of a step was asked for, and wait until the device has done the one before."""
        before, self._asked = self._asked, event_on(self._device)
        if before is not None:
            before.synchronize()


def event_on(device: torch.device) -> Any:
    """Return a CUDA event that comes when the device has done all it was given so far; None elsewhere."""
    if device.type != "cuda":
        return None
    event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event
