"""What the status line says, and what it leaves out first."""

from __future__ import annotations

from typing import Any

from fakes import job
from piloting import status

from imagineer_tui.model.status import Part, fitting, parts
from imagineer_tui.model.world import Connection, World
from imagineerd.crew import together
from imagineerd.protocol import ModelInfo, Worker

GB = 10**9


def world_of(*workers: Worker, **more: Any) -> World:
    return World(connection=Connection(phase="live"), worker=together(workers), status=status(), **more)


def cuda(index: int, phase: Any = "idle", **more: Any) -> Worker:
    return Worker(index=index, device=f"cuda:{index}", phase=phase, pid=index + 1, **more)


def said(world: World, width: int = 200) -> str:
    return " · ".join(part.text for part in fitting(parts(world), width))


def tone(world: World, text: str) -> str:
    return next(part.tone for part in parts(world) if part.text == text)


def test_one_gpu_is_told_with_its_memory():
    world = world_of(cuda(0, "working", memory_used=5 * GB, memory_total=24 * GB))

    assert said(world) == "starter · cuda:0 · 5.0/24.0 GB · drawing · 0 queued · 61 GB free"


def test_the_memory_of_a_cpu_is_the_machines_and_not_told():
    cpu = Worker(device="cpu", phase="idle", memory_used=GB, memory_total=16 * GB)

    assert said(world_of(cpu)) == "starter · cpu · idle · 0 queued · 61 GB free"
    assert "1.0/2.0 GB" in said(world_of(cpu, cuda(1, memory_used=GB, memory_total=2 * GB)))


def test_several_gpus_are_told_as_so_many_and_by_what_some_of_them_do():
    world = world_of(cuda(0, "working", memory_used=5 * GB, memory_total=24 * GB), cuda(1, memory_total=24 * GB))

    assert said(world).startswith("starter · 2 x cuda · 5.0/48.0 GB · 1 drawing · ")
    assert tone(world, "1 drawing") == "live"
    assert "· drawing ·" in said(world_of(cuda(0, "working"), cuda(1, "working")))
    assert "· idle ·" in said(world_of(cuda(0), cuda(1)))


def test_one_that_is_gone_among_several_needs_a_person():
    world = world_of(cuda(0, "working"), cuda(1, "dead"), cuda(2, "working"))

    assert tone(world, "2 drawing, 1 gone") == "needs"


def test_where_room_is_scarce_words_are_shortened_before_any_is_left_out():
    world = world_of(cuda(0, "working", memory_used=5 * GB, memory_total=24 * GB), jobs={1: job(1)})

    assert said(world, 60) == "starter · cuda:0 · 5.0/24.0 GB · drawing · 1q · 61 GB free"
    assert said(world, 40) == "starter · cuda · 5.0/24G · drawing · 1q"
    assert said(world, 26) == "starter · cuda · drawing"
    assert said(world, 10) == "drawing"


def test_what_has_no_room_leaves_it_to_what_has():
    world = world_of(Worker(phase="working", device="cpu"), jobs={1: job(1)})
    assert said(world, 20) == "starter · drawing"
    world.status = status(model=ModelInfo(name="runwayml/stable-diffusion-v1-5"))
    assert said(world, 20) == "cpu · drawing · 1q"


def test_what_needs_a_person_stays_to_the_last():
    assert said(world_of(cuda(0), paused=True), 8) == "‖ paused"


def test_parts_that_are_the_same_are_shortened_one_by_one():
    assert [part.text for part in fitting([Part("twelve", 1, short="12"), Part("twelve", 1, short="12")], 11)] == [
        "12", "twelve",
    ]  # fmt: skip
