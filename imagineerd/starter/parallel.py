"""Data-parallel training on CPU: single-thread processes that average their gradients.

Two such processes keep their pace when other programs want the cores, where two OpenMP threads stall on each other.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn


def launch(work: Callable[..., None], processes: int, *arguments: object) -> None:
    """Runs `work(rank, *arguments)` in every process and waits; one process runs in this one."""
    if processes == 1:
        work(0, *arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        given = (work, processes, Path(folder) / "meeting", arguments)
        spawn(_enter, given, nprocs=processes)  # type: ignore[no-untyped-call]


def _enter(rank: int, work: Callable[..., None], processes: int, meeting: Path, arguments: Sequence[object]) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=processes)
    work(rank, *arguments)
    dist.destroy_process_group()


def peers() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average(parameters: Sequence[torch.nn.Parameter], extra: float) -> float:
    """Averages gradients over the processes in place, and `extra` with them, so that all go on from equal numbers."""
    if peers() == 1:
        return extra
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([*(g.flatten() for g in gradients), torch.tensor([extra])])
    dist.all_reduce(flat)
    flat /= peers()
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
        offset += gradient.numel()
    return float(flat[-1])
