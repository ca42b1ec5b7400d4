"""The daemon's state in a few words for the status line, the most important ones marked as such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from imagineer_tui.model.world import World

if TYPE_CHECKING:
    from imagineerd.protocol import DeviceWorker, Worker

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
_OF_SEVERAL: Final = {"working": "drawing", "loading": "loading", "starting": "starting", "dead": "gone"}
"""What is said of some of several workers, the liveliest first; idle ones are not worth a word."""
_TONES: Final[dict[str, Tone]] = {"working": "live", "dead": "needs"}


class Part(NamedTuple):
    """A few words; `short` is what is left of them where room is scarce, if that is less.

    Where they do not even fit so, those with the lowest `rank` have the room.
    """

    text: str
    rank: int
    tone: Tone = "quiet"
    short: str = ""

    @property
    def shortened(self) -> Part:
        """The same in fewer words."""
        return self._replace(text=self.short or self.text)


def parts(world: World) -> list[Part]:
    """Return the parts of the status line, from left to right."""
    if not world.connection.live:
        return [_connection(world)]
    found = [_model(world), _device(world), _memory(world), _phase(world), _queue(world), _disk(world)]
    return [part for part in found if part]


def fitting(parts: Sequence[Part], width: int, separator: int = 3) -> list[Part]:
    """Return the parts that fit into so many cells, in their order; `separator` is what stands between two."""
    kept = list(parts)
    for part in sorted(parts, key=lambda part: -part.rank):
        if _length(kept, separator) <= width:
            return kept
        kept[kept.index(part)] = part.shortened
    found: list[Part] = []
    for part in sorted(kept, key=lambda part: part.rank):
        if _length([*found, part], separator) <= width:
            found.append(part)
    return sorted(found, key=kept.index)


def _length(parts: Sequence[Part], separator: int) -> int:
    return sum(len(part.text) + separator for part in parts) - separator


def each_worker(worker: Worker | None) -> Sequence[DeviceWorker]:
    """Return the workers of all devices, of which the daemon tells as one."""
    return (worker.workers or (worker,)) if worker else ()


def _connection(world: World) -> Part:
    if world.connection.starting:
        return Part("starting …", 0, "live")
    if world.connection.phase == "connecting":
        return Part("connecting …", 0)
    return Part("○ away", 0, "needs")


def _model(world: World) -> Part | None:
    model = world.status.model.name if world.status else world.worker.model if world.worker else ""
    return Part(model.rsplit("/", 1)[-1], 2) if model else None


def _device(world: World) -> Part | None:
    """Return `cuda:0`, or `2 x cuda` where there are several."""
    device = world.worker.device if world.worker else ""
    return Part(device, 4, short=device.partition(":")[0]) if device else None


def _memory(world: World) -> Part | None:
    """Return how much of the GPUs' own memory is taken: that of a CPU is the machine's, and not worth a word."""
    told = [each for each in each_worker(world.worker) if each.device.partition(":")[0] != "cpu"]
    total = sum(each.memory_total for each in told)
    if not total:
        return None
    used = _gigabytes(sum(each.memory_used for each in told))
    return Part(f"{used}/{_gigabytes(total)} GB", 3, short=f"{used}/{total / _KILO**3:.0f}G")


def _phase(world: World) -> Part | None:
    if world.worker is None:
        return None
    if world.paused:
        return Part("‖ paused", 0, "needs")
    phases: Counter[str] = Counter(each.phase for each in each_worker(world.worker))
    if len(phases) == 1:
        (phase,) = phases
        return Part(_PHASES.get(phase, phase), 1, _TONES.get(phase, "quiet"))
    told = {phase: f"{phases[phase]} {word}" for phase, word in _OF_SEVERAL.items() if phases[phase]}
    tones = {_TONES.get(phase, "quiet") for phase in told}
    return Part(", ".join(told.values()), 1, "needs" if "needs" in tones else "live" if "live" in tones else "quiet")


def _queue(world: World) -> Part:
    count = waiting(world)
    return Part(f"{count} queued", 5, short=f"{count}q")  # the tab of the Queue counts them, too


def waiting(world: World) -> int:
    """Return how many jobs are open."""
    # The world has every open job, unless there are more than a snapshot holds.
    known = sum(job.state.value in {"queued", "running"} for job in world.jobs.values())
    counted = world.status.jobs.get("queued", 0) + world.status.jobs.get("running", 0) if world.status else 0
    return counted if known >= IN_A_SNAPSHOT else known


def _disk(world: World) -> Part | None:
    return Part(f"{world.status.disk_free / _KILO**3:.0f} GB free", 6) if world.status else None


def _gigabytes(count: float) -> str:
    return f"{count / _KILO**3:.1f}"
