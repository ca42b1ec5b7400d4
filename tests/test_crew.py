"""Several workers, told as one."""

from __future__ import annotations

import pytest

from imagineerd.crew import together
from imagineerd.protocol import Worker

ONE = Worker(
    phase="working",
    pid=11,
    device="cuda:0",
    device_name="H100",
    model="starter",
    memory_used=3,
    memory_total=80,
    seconds_per_step=0.2,
)
OTHER = Worker(phase="idle", pid=12, index=1, device="cuda:1", device_name="H100", memory_total=80, restarts=2)


def test_one_worker_stands_for_itself() -> None:
    assert together([ONE]) is ONE


def test_devices_are_counted_and_memory_and_restarts_added() -> None:
    both = together([ONE, OTHER])

    assert (both.device, both.device_name, both.model) == ("2 x cuda", "2 x H100", "starter")
    assert (both.memory_used, both.memory_total, both.restarts) == (3, 160, 2)
    assert [(each.index, each.pid, each.memory_used) for each in both.workers] == [(0, 11, 3), (1, 12, 0)]


def test_speeds_add_up() -> None:
    fast = Worker(phase="working", seconds_per_step=0.05)

    assert together([ONE, fast, OTHER]).seconds_per_step == pytest.approx(0.04)
    assert together([OTHER, OTHER]).seconds_per_step == 0


def test_a_dead_one_is_told_by_its_detail_while_the_others_live() -> None:
    dead = Worker(phase="dead", index=1, device="cuda:1", detail="No driver.", memory_total=80, seconds_per_step=0.1)
    both = together([dead, ONE])

    assert (both.phase, both.pid, both.memory_total, both.seconds_per_step) == ("working", 11, 80, 0.2)
    assert both.detail == "cuda:1: No driver."
    assert together([dead, dead]).phase == "dead"
