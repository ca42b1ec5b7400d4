"""What a job is: one frozen spec per kind, the states, and the table of moves between them.

Two rules live here and nowhere else:

1. A spec is complete. Whatever the picture depends on is resolved when the job is accepted, so that the same row
   of the database means the same picture in a year. Fields are added with defaults and never removed.
2. `MAY_FOLLOW` says which state may follow which. The store builds its SQL guards from it, so that an illegal move
   is refused by the database.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

MAX_PROMPT = 2000
MAX_N = 10_000
MAX_SEED = 2**63 - 1
MAX_LABEL_PROMPT = 8000

Pixels = Annotated[int, msgspec.Meta(extra={"unit": "pixels"})]
UnixTime = Annotated[float, msgspec.Meta(extra={"unit": "Unix seconds"})]
Size = Annotated[int, msgspec.Meta(ge=64, le=2048, multiple_of=8, extra={"unit": "pixels"})]
Steps = Annotated[int, msgspec.Meta(ge=1, le=150)]
GuidanceScale = Annotated[float, msgspec.Meta(ge=0.0, le=30.0)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)]
Prompt = Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]
Weight = Annotated[float, msgspec.Meta(ge=-2.0, le=2.0)]
Priority = Annotated[int, msgspec.Meta(ge=-100, le=100)]

Lane = Literal["gpu", "io"]
Scheduler = Literal["dpm++", "dpm++-sde", "euler", "euler-a", "ddim", "unipc", "pndm", "lms", "heun"]
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)


class LoraWeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One LoRA of a mix. `sha256` is the file's hash, empty until the job is accepted.

    What a client sends may also name a saved mix, which then stands for its LoRAs, their weights times `weight`. With
    `noted`, the weight that is noted beside the LoRA takes the place of `weight`, where there is one.
    """

    name: str
    weight: Weight = 1.0
    sha256: str = ""
    noted: bool = False


Mix: TypeAlias = tuple[LoraWeight, ...]


class PromptParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The parts a set's prompt is composed of, in their order; a single prompt has none but `trigger`.

    A part has the trigger words for which `<trigger>` stood in it; `trigger` are those that were added behind all.
    """

    base: str = ""
    theme: str = ""
    row: str = ""
    style: str = ""
    trigger: str = ""


class GenerateSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="generate"):
    """One picture: what to draw and everything its bits depend on that a person can choose.

    Sizes are pixels, divisible by 8; `model` is a name from the config or a hub id, `model_revision` a commit hash or
    a content hash, empty where it becomes known when the model is loaded.
    """

    prompt: Prompt
    width: Size
    height: Size
    steps: Steps
    guidance_scale: GuidanceScale
    seed: Seed
    model: str
    model_revision: str = ""
    negative_prompt: Prompt = ""
    scheduler: Scheduler = "dpm++"
    mix: Mix = ()
    name: str = ""
    parts: PromptParts = PromptParts()


class LabelSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="label"):
    """One picture to look at: which take, and what the labeler is asked.

    `text` is the whole question, as it was when the job was accepted; `prompt` and `prompt_version` name it.
    """

    take: int
    prompt: str
    prompt_version: str
    text: Annotated[str, msgspec.Meta(max_length=MAX_LABEL_PROMPT)]
    name: str = ""


JobSpec: TypeAlias = GenerateSpec | LabelSpec
"""Every job kind."""
JobKind = Literal["generate", "label"]

LANES: dict[type, Lane] = {GenerateSpec: "gpu", LabelSpec: "io"}
LABELS_GROUP = "label|0"
"""The group of every label job: they take no steps, and each runs alone."""


class State(str, Enum):
    """Where a job is. How it ended stands in `Job.error`."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"  # its worker died twice, or a person said so: it waits for a person, the queue goes on


MAY_FOLLOW: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.HELD}),
    State.RUNNING: frozenset({State.DONE, State.FAILED, State.CANCELLED, State.QUEUED, State.HELD}),
    State.DONE: frozenset(),
    State.FAILED: frozenset({State.QUEUED, State.CANCELLED}),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.HELD: frozenset({State.QUEUED, State.CANCELLED}),
}

OPEN_STATES = frozenset({State.QUEUED, State.RUNNING})
ENDED_STATES = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.HELD})
MAX_ATTEMPTS = 2
"""A job whose worker died this often is held."""
MAX_RECOVERIES = 5
"""A job that ran whenever the daemon itself died is held after so many attempts: that was hardly the job's fault."""


def sources_of(target: State) -> tuple[State, ...]:
    """Return the states from which `target` may be reached, in the order of the enum."""
    return tuple(state for state in State if target in MAY_FOLLOW[state])


class JobError(msgspec.Struct, frozen=True):
    """Why a job failed or is held: a code of the closed list of errors and one sentence."""

    code: str
    message: str


BY_HAND = JobError("E_STATE", "Held by hand: release it to have it drawn.")
"""Why a job is held that a person held; it is the only such job with this code."""
BACKGROUND: Priority = 0
INTERACTIVE: Priority = 10
"""What somebody waits for at the screen: a few pictures go ahead of whole decks."""
LABELS_PRIORITY: Priority = -1
"""A priority that pictures do not have by themselves: turns are counted by priority, and these wait in another lane."""
A_FEW = 8
"""Pictures of one request that count as a few."""


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """One unit of work. Times are Unix seconds; `slot` is 1-based.

    `take` is set once it is done: the picture that was drawn, or the one that was labelled. Queued jobs stand in the
    order of `priority` (the highest first), then `turn`, then `rank`, then `id`.
    """

    id: int
    batch: str
    slot: int
    state: State
    spec: JobSpec
    priority: int = 0
    attempts: int = 0
    cancel_requested: bool = False
    submitted_at: UnixTime = 0.0
    started_at: UnixTime | None = None
    ended_at: UnixTime | None = None
    error: JobError | None = None
    take: int | None = None
    turn: int = 0
    rank: float = 0.0


def picture_key(spec: GenerateSpec) -> str:
    """Return a hash of all that a picture depends on and a person can choose: two jobs with the same draw the same.

    Empty where that is not known: the model or a LoRA without its hash.
    """
    if not spec.model_revision or not all(lora.sha256 for lora in spec.mix):
        return ""
    mix = tuple(LoraWeight("", lora.weight, lora.sha256) for lora in spec.mix)
    bare = msgspec.structs.replace(spec, mix=mix, name="", parts=PromptParts())
    return hashlib.sha256(msgspec.msgpack.encode(bare)).hexdigest()[:32]


def group_key(spec: JobSpec) -> str:
    """Return what must be equal for two jobs to share one UNet call: model, mix, size, sampler, steps."""
    if isinstance(spec, LabelSpec):
        return LABELS_GROUP
    mix = "+".join(f"{lora.name}@{lora.sha256}:{lora.weight!r}" for lora in spec.mix)
    size = f"{spec.width}x{spec.height}"
    return "|".join((spec.model, spec.model_revision, mix, size, spec.scheduler, str(spec.steps)))


def model_of(group: str) -> tuple[str, ...]:
    """Return the model of a group key, with its revision."""
    return tuple(group.split("|", 2)[:2])


def weights_of(group: str) -> str:
    """Return the part of a group key that the weights depend on: model and mix."""
    return group.rsplit("|", 3)[0]


def canvas_of(group: str) -> str:
    """Return the part of a group key that a UNet call's weights and shape depend on: model, mix and size."""
    return group.rsplit("|", 2)[0]


def shape_of(group: str) -> str:
    """Return the part of a group key that a UNet call's time depends on: model and size, whatever the mix."""
    return "|".join((*model_of(group), canvas_of(group).rpartition("|")[2]))


def steps_of(group: str) -> int:
    """Return the steps that a group key stands for."""
    return int(group.rpartition("|")[2])
