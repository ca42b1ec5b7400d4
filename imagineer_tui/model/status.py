"""The daemon's state in a few words for the status line, the most important ones marked as such."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from imagineer_tui.model.world import World

Tone: TypeAlias = Literal["quiet", "live", "needs"]
"""`live` is for what is happening now, `needs` for what needs a person."""

IN_A_SNAPSHOT: Final = 1000
_KILO: Final = 1000
_PHASES: Final = {
    "starting": "worker starts",
    "idle": "idle",
    "loading": "loading",
    "working": "drawing",
    "dead": "worker gone",
}


class Part(NamedTuple):
    """A few words; of parts that do not fit, those with the highest `rank` go first."""

    text: str
    rank: int
    tone: Tone = "quiet"


def parts(world: World) -> list[Part]:
    """Return the parts of the status line, from left to right."""
    if not world.connection.live:
        return [_connection(world)]
    found = [_model(world), _device(world), _memory(world), _phase(world), _queue(world), _disk(world)]
    return [part for part in found if part]


def fitting(parts: list[Part], width: int, separator: int = 3) -> list[Part]:
    """Return the parts that fit into so many cells, in their order; `separator` is what stands between two."""
    kept = list(parts)
    while kept and sum(len(part.text) + separator for part in kept) - separator > width:
        kept.remove(max(kept, key=lambda part: part.rank))
    return kept


def _connection(world: World) -> Part:
    if world.connection.starting:
        return Part("starting …", 0, "live")
    if world.connection.phase == "connecting":
        return Part("connecting …", 0)
    return Part("○ away", 0, "needs")


def _model(world: World) -> Part | None:
    model = world.status.model.name if world.status else world.worker.model if world.worker else ""
    return Part(model.rsplit("/", 1)[-1], 5) if model else None


def _device(world: World) -> Part | None:
    return Part(world.worker.device, 4) if world.worker and world.worker.device else None


def _memory(world: World) -> Part | None:
    worker = world.worker
    if worker is None or not worker.memory_total:
        return None
    return Part(f"{_gigabytes(worker.memory_used)}/{_gigabytes(worker.memory_total)} GB", 6)


def _phase(world: World) -> Part | None:
    if world.worker is None:
        return None
    if world.paused:
        return Part("‖ paused", 0, "needs")
    phase = world.worker.phase
    tone: Tone = "needs" if phase == "dead" else "live" if phase == "working" else "quiet"
    return Part(_PHASES.get(phase, phase), 2, tone)


def _queue(world: World) -> Part | None:
    # The world has every open job, unless there are more than a snapshot holds.
    known = sum(job.state.value in {"queued", "running"} for job in world.jobs.values())
    counted = world.status.jobs.get("queued", 0) + world.status.jobs.get("running", 0) if world.status else 0
    return Part(f"{counted if known >= IN_A_SNAPSHOT else known} queued", 1)


def _disk(world: World) -> Part | None:
    return Part(f"{world.status.disk_free / _KILO**3:.0f} GB free", 7) if world.status else None


def _gigabytes(count: float) -> str:
    return f"{count / _KILO**3:.1f}"
