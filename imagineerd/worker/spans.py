"""How long the device was at something. Nobody waits for that while it goes on: who wants to know does, later."""

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


def event_on(device: torch.device) -> Any:
    """Return a CUDA event that comes when the device has done all it was given so far; None elsewhere."""
    if device.type != "cuda":
        return None
    event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event
