"""How the daemon is, in full."""

from __future__ import annotations

from piloting import status

from imagineer_tui.model.daemon import facts
from imagineerd.crew import together
from imagineerd.protocol import Worker

GB = 10**9


def test_each_of_several_devices_has_a_line_of_its_own():
    first = Worker(device="cuda:0", device_name="H200", phase="working", memory_used=5 * GB, memory_total=24 * GB)
    second = Worker(index=1, device="cuda:1", device_name="H200", phase="dead", detail="It is lost.", restarts=2)

    found = dict(facts(status(worker=together((first, second)))))

    assert found["worker 0"] == "working, cuda:0 H200, 5 GB of 24 GB"
    assert found["worker 1"] == "dead, cuda:1 H200, It is lost, 2 restarts"
    assert found["workers"] == "2 x H200"


def test_a_single_device_has_one_line():
    found = dict(facts(status(worker=Worker(device="cpu", device_name="cpu", phase="idle"), jobs={"queued": 2})))

    assert found["worker"] == "idle, cpu"
    assert "worker 0" not in found
    assert found["jobs"] == "2 queued"
