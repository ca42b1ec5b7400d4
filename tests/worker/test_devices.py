"""The device is what was asked for, or an error."""

from __future__ import annotations

import pytest
import torch

from imagineerd.errors import Invalid
from imagineerd.link import Hardware
from imagineerd.worker.devices import GIB, batch_sizes, choose, free_memory, resident_bytes


@pytest.mark.parametrize(
    ("kind", "memory", "expected"),
    [
        ("cpu", 4 * GIB, (1, 4)),
        ("mps", 64 * GIB, (1,)),
        ("cuda", 4 * GIB, (1,)),
        ("cuda", 12 * GIB, (1, 4)),
        ("cuda", 24 * GIB, (1, 4, 8)),
        ("cuda", 80 * GIB, (1, 4, 8, 16)),
    ],
)
def test_batch_sizes_follow_the_memory(kind: str, memory: int, expected: tuple[int, ...]) -> None:
    assert batch_sizes(kind, memory) == expected


@pytest.mark.parametrize("wanted", ["tpu", "cuda:x", "", "cpu:0:0"])
def test_an_unknown_device_is_refused(wanted: str) -> None:
    with pytest.raises(Invalid, match=r"hardware\.device"):
        choose(Hardware(device=wanted))


def test_the_cpu_draws_in_full_precision() -> None:
    device = choose(Hardware(device="cpu", cpu_offload=True, vae_slicing=True, compile=True))

    assert (device.kind, device.dtype, device.offload, device.slice_vae) == ("cpu", torch.float32, False, True)
    assert not device.compile
    assert device.memory > free_memory(device) > 0
    assert device.name
    assert device.memory > resident_bytes() > 0
