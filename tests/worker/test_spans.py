"""How long the device was at something: by the clock of the host where the device is the host itself."""

from __future__ import annotations

import time

import pytest
import torch

from imagineerd.worker import spans
from imagineerd.worker.spans import Pace, Span, event_on


def test_a_span_is_as_long_as_what_lies_in_it() -> None:
    before = time.monotonic()
    span = Span(torch.device("cpu"))
    torch.ones(64, 64) @ torch.ones(64, 64)
    span.end()

    assert 0 < span.seconds() <= time.monotonic() - before


def test_what_comes_after_its_end_does_not_count() -> None:
    span = Span(torch.device("cpu")).end()

    first = span.seconds()

    assert span.seconds() == first


def test_a_device_that_is_the_host_has_no_events() -> None:
    assert event_on(torch.device("cpu")) is None


def test_the_host_waits_for_the_step_before_and_never_for_the_one_that_it_just_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[int] = []

    class Event:
        def __init__(self, step: int) -> None:
            self.step = step

        def synchronize(self) -> None:
            waited.append(self.step)

    steps = iter((1, 2, 3))
    monkeypatch.setattr(spans, "event_on", lambda _device: Event(next(steps)))
    pace = Pace(torch.device("cuda"))
    seen = []
    for _ in range(3):
        pace.step()
        seen.append(list(waited))

    assert seen == [[], [1], [1, 2]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_host_is_a_step_ahead() -> None:
    device = torch.device("cuda")
    values = torch.ones(8192, 8192, device=device)
    values @ values  # what CUDA does once
    torch.cuda.synchronize(device)
    pace, done = Pace(device), []
    for _ in range(3):
        for _ in range(8):
            values = values @ values
        done.append(event_on(device))
        pace.step()
        known = [event.query() for event in done]

        assert all(known[:-1])
        assert not known[-1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_a_span_ends_when_the_device_has_done_it() -> None:
    device = torch.device("cuda")
    span = Span(device)
    values = torch.ones(4096, 4096, device=device)
    for _ in range(8):
        values = values @ values
    span.end()

    assert span.seconds() > 0
    assert torch.cuda.current_stream(device).query()
