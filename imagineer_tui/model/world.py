"""All that the app knows of the daemon. Screens read it; only `applying` and `Feed` change it.

Nothing is imported here that takes time, so that the first screen is painted before the wire is loaded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from imagineer_tui.model.pace import Pace

if TYPE_CHECKING:
    from imagineerd.jobs import Job, JobError, State
    from imagineerd.protocol import Batch, Status, Take, Worker

Phase: TypeAlias = Literal["connecting", "live", "away"]
Topic: TypeAlias = Literal["connection", "status", "queue", "progress", "building"]
"""What a screen may have to draw anew; each has a message in `messages`."""

MOST_LANDED: Final = 500
"""Takes that are remembered as having come while the app looked."""
MOST_BUILD_LINES: Final = 200


@dataclass
class Connection:
    """Whether the daemon answers. Times are monotonic seconds.

    `heard_at` is when anything last came from it, None before the first time; `why` is the sentence of what went
    wrong; `retry_at` is when the next try begins, None while one is under way. `starting`: we are starting a daemon.
    """

    phase: Phase = "connecting"
    heard_at: float | None = None
    why: str = ""
    retry_at: float | None = None
    starting: bool = False

    @property
    def live(self) -> bool:
        """Say whether what stands in the world is as of now."""
        return self.phase == "live"

    def age(self, now: float) -> float | None:
        """Return how many seconds old the data are, None where there never were any."""
        return None if self.heard_at is None else max(0.0, now - self.heard_at)


@dataclass
class Progress:
    """How far a running job is; `began` and `at` are monotonic seconds of its first tick and its last."""

    step: int
    steps: int
    first: int
    began: float
    at: float

    @property
    def speed(self) -> float:
        """Steps a second since it was first heard of, 0 while unknown."""
        taken = self.at - self.began
        return (self.step - self.first) / taken if taken > 0 else 0.0


@dataclass(frozen=True)
class Move:
    """What an event told of a job; None where it did not."""

    state: State
    error: JobError | None
    attempts: int | None = None
    take: int | None = None


@dataclass
class Build:
    """A build of the labeler's container image: what it said last, whether it ended, and why it failed."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_BUILD_LINES))
    ended: bool = False
    error: str = ""


@dataclass
class World:
    """The daemon as last heard of.

    `worker` draws, `labeling` is the one that labels; `build` is the newest build of its image that was heard of.
    `jobs` are the open ones, and those that ended while the app looked. `progress` is of running jobs, `pace` of all.
    `landed` are the takes that came while the app looked, oldest first. While it is `paused`, no job is started.
    `stale` names batches of which there is more to ask for, `asked` those of which it is being asked for, `moving`
    those that had open jobs when last looked at: with the jobs that were added to a batch that was finished before, or
    with none where it is the batch itself that moves.
    `moves` are the newest ones told of each job since the jobs of a batch were last asked for.
    """

    connection: Connection = field(default_factory=Connection)
    worker: Worker | None = None
    labeling: Worker | None = None
    build: Build | None = None
    status: Status | None = None
    jobs: dict[int, Job] = field(default_factory=dict)
    progress: dict[int, Progress] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    paused: bool = False
    batches: dict[str, Batch] = field(default_factory=dict)
    landed: deque[Take] = field(default_factory=lambda: deque(maxlen=MOST_LANDED))
    stale: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    moving: dict[str, tuple[int, ...]] = field(default_factory=dict)
    moves: dict[int, Move] = field(default_factory=dict)

    @property
    def decks(self) -> list[Batch]:
        """The batches that people know of, the newest first: auditions are only looked at."""
        return [batch for batch in self.batches.values() if not batch.audition]
