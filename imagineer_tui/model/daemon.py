"""How the daemon is, in full: each device's worker, the model, the jobs, and where everything lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagineer_tui.words import clock, number_of, size, states

if TYPE_CHECKING:
    from imagineerd.protocol import DeviceWorker, ModelInfo, Status, Worker


def facts(status: Status) -> list[tuple[str, str]]:
    """Return names and what there is to say of them; with several devices, one for each."""
    left = f", about {clock(status.eta_s)} left" if status.eta_s else ""
    return [
        ("imagineerd", f"{status.version}, pid {status.pid}, up {clock(status.uptime)}"),
        *_workers(status.worker),
        *([("labeling", _worker(status.labeling))] if status.labeling else []),
        ("model", _model(status.model)),
        ("jobs", f"{states(status.jobs) or 'none yet'}{', paused' if status.paused else left}"),
        ("disk", f"{size(status.disk_free)} free"),
        ("pictures", status.output_dir),
        ("data", status.data_dir),
        ("config", status.config_file),
    ]


def _workers(crew: Worker) -> list[tuple[str, str]]:
    if not crew.workers:
        return [("worker", _worker(crew))]
    each = [(f"worker {one.index}", _worker(one)) for one in crew.workers]
    return [("workers", crew.device_name or crew.device or str(len(each))), *each]


def _worker(worker: DeviceWorker) -> str:
    device = " ".join(dict.fromkeys(filter(None, (worker.device, worker.device_name))))
    parts = [worker.phase, device, worker.dtype, worker.detail.rstrip(".")]
    if worker.memory_total:
        parts.append(f"{size(worker.memory_used)} of {size(worker.memory_total)}")
    if worker.torch:
        parts.append(f"torch {worker.torch}")
    if worker.restarts:
        parts.append(number_of(worker.restarts, "restart"))
    return ", ".join(filter(None, parts))


def _model(model: ModelInfo) -> str:
    return model.name if model.present else f"{model.name} (not on this machine yet)"
