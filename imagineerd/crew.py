"""Several workers of a lane, told as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from imagineerd.protocol import DeviceWorker, Worker, WorkerPhase

LIVELIEST: tuple[WorkerPhase, ...] = ("working", "loading", "idle", "starting", "dead")


def together(workers: Sequence[Worker]) -> Worker:
    """Return a worker that stands for all of them, with each in `workers`; a single one stands for itself.

    The phase is that of the liveliest, memory and restarts are sums, and speeds add up, so that what is counted with
    them holds for all together. A detail names its device.
    """
    if len(workers) == 1:
        return workers[0]
    alive = [worker for worker in workers if worker.phase != "dead"] or workers
    return Worker(
        lane=workers[0].lane,
        phase=min((worker.phase for worker in workers), key=LIVELIEST.index),
        pid=alive[0].pid,
        device=_count([worker.device.split(":")[0] for worker in workers if worker.device]),
        device_name=_count([worker.device_name for worker in workers if worker.device_name]),
        dtype=_once(worker.dtype for worker in workers),
        model=_once(worker.model for worker in alive),
        detail=" ".join(f"{worker.device or worker.index}: {worker.detail}" for worker in workers if worker.detail),
        memory_used=sum(worker.memory_used for worker in alive),
        memory_total=sum(worker.memory_total for worker in alive),
        torch=_once(worker.torch for worker in workers),
        restarts=sum(worker.restarts for worker in workers),
        seconds_per_step=_speed(alive),
        workers=tuple(map(_one, workers)),
    )


def _one(worker: Worker) -> DeviceWorker:
    return DeviceWorker(**{name: getattr(worker, name) for name in DeviceWorker.__struct_fields__})


def _count(things: Sequence[str]) -> str:
    """Return `2 x cuda, 1 x cpu`."""
    return ", ".join(f"{count} x {thing}" for thing, count in Counter(things).items())


def _once(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, words)))


def _speed(workers: Sequence[Worker]) -> float:
    """Return the seconds a step of one picture where all draw at once; 0 while none was measured."""
    rates = [1 / worker.seconds_per_step for worker in workers if worker.seconds_per_step]
    return 1 / sum(rates) if rates else 0.0
