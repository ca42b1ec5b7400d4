"""The wire protocol of imagineer, version 1: every message, in one file.

**Frames.** A message is `[head][body]` and, where a body says so, raw blob frames after it; there is no empty
delimiter. The head is a MessagePack array that only ever grows at its end: `[v, kind, rid, seq, meta]`. The body is a
MessagePack map, decoded by the type that `kind` names. Unknown kinds and unknown fields are to be skipped.

**Conversation.** A client is a ZeroMQ DEALER. It says `hello` first on each socket and is answered `welcome`; then
every request carries an `rid` of the client's choice and is answered by exactly one message with the same `rid`: the
reply that belongs to it, or `err`. A reply means it has happened: a submit is answered after its rows are on disk.

**Submitting.** `deal`, `generate`, `grid`, `reroll`, `complete` and `label` carry an idempotency key. The same key with
the same body is answered as before and does nothing; with another body it is `E_CONFLICT`.

**Following.** `subscribe` is answered on the same pipe by `snap` (everything that is open, as of event `seq`) or, if
`since` names this database and the events are still kept, by `resume`; then come the events `seq + 1, seq + 2, …`
without a gap: messages with `seq > 0`. `tick`, `worker` and `hb` ride beside them with `seq = 0`: newest wins, and
they may be lost. A client that does not read is sent nothing more until it does, and then gets a new `snap` (with
`rid = 0`). `bye` says that the daemon stops.

**Watching.** After `watch_previews` a session is sent `preview`: small raw pictures of what is being drawn. They are
made only of jobs that somebody watches, the newest of a job wins, and they may be lost. Watching ends with the session.

**Order.** Queued jobs are ordered by `priority` (the highest first), then `turn`, `rank` and `id`. A job has these in
every list; a new one has `rank` = `id`, and the event that adds it tells priority and turn. Jobs that can share a call
with the one at the front are drawn with it, and after four calls in a row for higher priorities a lower one has its
call. Jobs of one priority take turns by client, that is by user and by the name that `client` of `hello` gives.

**Pictures.** On the `blob` socket, `blob_stat` tells size and hash, `blob_get` answers one chunk: body `chunk`, then
one raw frame. Keep at most four chunks in flight. `sheet_stat` and `sheet_get` do the same for the sheet of a grid.

**Growth.** Fields are added with defaults, kinds are added, nothing is renamed or removed within a version. A default
never changes, not even with the version: it is what an absent field says.

**Units.** Times are Unix seconds, durations seconds, sizes pixels or bytes as named. Ids of jobs and takes are
integers, a batch is named by its folder (`zodiac_20261122_121503`), slots count from 1.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from imagineerd import lenient
from imagineerd.errors import Code, Problem, Retry
from imagineerd.jobs import (
    MAX_N,
    GenerateSpec,
    GuidanceScale,
    Job,
    JobError,
    JobKind,
    LoraWeight,
    Pixels,
    Priority,
    Prompt,
    PromptParts,
    Scheduler,
    Seed,
    Size,
    State,
    Steps,
    UnixTime,
    Weight,
)

VERSION: Final = 1
FEATURES: Final = ("deal", "blob", "resume", "previews", "mixes", "steer", "trash", "search", "grid", "label")

MAX_BODY: Final = 256 * 1024
"""Bytes of one body that the daemon takes."""
MAX_CHUNK: Final = 256 * 1024
"""Bytes of one `blob_get`."""
MAX_INFLIGHT: Final = 256
"""Requests of one client that may be unanswered at a time."""
HEARTBEAT_S: Final = 2.0
PAGE: Final = 100
"""Rows of a page where the client names no limit; 1,000 at most."""
MAX_INT: Final = 2**63 - 1
"""What SQLite and the file system count to."""
PREVIEW_SIDE: Final = 96
"""Pixels of a preview's longer side where the client names no other."""
MAX_CAPTION: Final = 4000
MAX_TAG: Final = 100
MAX_TAGS: Final = 50

Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Idem = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_INT)]
TakeIds = Annotated[tuple[Id, ...], msgspec.Meta(min_length=1)]
Bytes = Annotated[int, msgspec.Meta(extra={"unit": "bytes"})]
Seconds = Annotated[float, msgspec.Meta(extra={"unit": "seconds"})]
Variant = Literal["full", "thumb"]
Level = Literal["ok", "warn", "fail"]
Rating = Literal["SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT"]
Role = Literal["viewer", "operator", "admin"]
"""What a client may do; each may do what those before it may. On a Unix socket everyone is `admin`."""
AnyRating = Literal["", "SAFE", "SUGGESTIVE", "ADULT", "EXPLICIT"]
"""How fit a picture is to be seen; empty where nobody said."""
NSFW: Final = frozenset({"ADULT", "EXPLICIT"})
Caption = Annotated[str, msgspec.Meta(max_length=MAX_CAPTION)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TAG)]
TriggerFrom = Literal["note", "metadata", "tags", ""]
End = Literal["top", "bottom"]
LoraName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
"""A file name without its suffix."""
MixName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
FileName = Annotated[str, msgspec.Meta(max_length=4096)]


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The first frame. `v` is the protocol's version, `kind` names the body.

    `rid` ties a reply to its request, `seq` numbers events (0: not an event), `meta` is for what comes later.
    """

    v: int
    kind: str
    rid: int = 0
    seq: int = 0
    meta: dict[str, Any] | None = None


class Body(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Any body: a map whose fields may be left out where they have a default."""


R = TypeVar("R", bound=Body)


class Request(Body, Generic[R], frozen=True, omit_defaults=True, kw_only=True):
    """A body that a client sends; `R` is the reply it is answered with."""


# ---------------------------------------------------------------- session


class Limits(Body, frozen=True, omit_defaults=True, kw_only=True):
    """What the daemon takes: bytes of a body and of a chunk, unanswered requests of one client."""

    body: Bytes = MAX_BODY
    chunk: Bytes = MAX_CHUNK
    inflight: int = MAX_INFLIGHT


class Welcome(Body, frozen=True, omit_defaults=True, kw_only=True):
    """`proto` is the version that is spoken from now on, `daemon` the version of the program.

    `epoch` names the database, `boot` this run of the daemon; `uid`/`pid` are what a Unix socket says of the client,
    `key` is what its key is called where it came over the network. `role` says what it may do.
    """

    proto: int
    daemon: str
    epoch: str
    boot: str
    features: tuple[str, ...] = ()
    limits: Limits = Limits()
    heartbeat_s: Seconds = HEARTBEAT_S
    uid: int = -1
    pid: int = -1
    role: Role = "admin"
    key: str = ""


class Hello(Request[Welcome], frozen=True, omit_defaults=True, kw_only=True):
    """The first message of a session: protocol versions understood and who speaks."""

    proto_min: int = 1
    proto_max: int = 1
    client: Name = ""
    version: Name = ""


class Error(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Why a request was refused. `field` is a path (`$.settings.steps`), `problems` lists all of them at once."""

    code: Code
    message: str
    field: str = ""
    retry: Retry = "no"
    problems: tuple[Problem, ...] = ()


class Done(Body, frozen=True, omit_defaults=True, kw_only=True):
    """It has happened, and there is nothing else to say."""


# ---------------------------------------------------------------- things


class Settings(Body, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """What a client may choose. A row's own columns go before it; what is left out comes from set, config, model.

    `seed` is the seed of the first card (the next has `seed + 1`, …); drawn and recorded where absent. A `width` or
    `height` is taken as it is, while the size of a set or the config is scaled to what the model was trained for.
    `add_triggers` adds the trigger words of the LoRAs behind the prompt, those that it lacks.
    """

    width: Size | None = None
    height: Size | None = None
    steps: Steps | None = None
    guidance_scale: GuidanceScale | None = None
    seed: Seed | None = None
    scheduler: Scheduler | None = None
    negative_prompt: Prompt | None = None
    mix: tuple[LoraWeight, ...] | None = None
    model: Name | None = None
    add_triggers: bool = False


class LoraAxis(Body, frozen=True, omit_defaults=True, kw_only=True, tag_field="of", tag="lora"):
    """An axis of a grid: weights of a LoRA, or of a saved mix."""

    lora: LoraName
    values: Annotated[tuple[Weight, ...], msgspec.Meta(min_length=1)]


class StepsAxis(Body, frozen=True, omit_defaults=True, kw_only=True, tag_field="of", tag="steps"):
    """An axis of a grid: numbers of sampler steps."""

    values: Annotated[tuple[Steps, ...], msgspec.Meta(min_length=1)]


class GuidanceAxis(Body, frozen=True, omit_defaults=True, kw_only=True, tag_field="of", tag="guidance_scale"):
    """An axis of a grid: guidance scales."""

    values: Annotated[tuple[GuidanceScale, ...], msgspec.Meta(min_length=1)]


class SeedAxis(Body, frozen=True, omit_defaults=True, kw_only=True, tag_field="of", tag="seed"):
    """An axis of a grid: seeds. Without it all cells have the same one."""

    values: Annotated[tuple[Seed, ...], msgspec.Meta(min_length=1)]


class ThemeAxis(Body, frozen=True, omit_defaults=True, kw_only=True, tag_field="of", tag="theme"):
    """An axis of a grid: themes."""

    values: Annotated[tuple[Prompt, ...], msgspec.Meta(min_length=1)]


Axis: TypeAlias = LoraAxis | StepsAxis | GuidanceAxis | SeedAxis | ThemeAxis


class Label(Body, frozen=True, omit_defaults=True, kw_only=True):
    """What is said of a take: by a labeler (`model`, as it named itself, `prompt`, `prompt_version`, `job`), by a
    person (`person`, a user id), or by a person who changed what a labeler said (both).

    `is_nsfw` says that `rating` is ADULT or EXPLICIT. `answer` is what the labeler said word for word, sent only where
    the labels of one take are listed; with neither caption nor tags it was not understood.
    """

    id: int
    caption: str = ""
    rating: AnyRating = ""
    tags: tuple[str, ...] = ()
    is_nsfw: bool = False
    model: str = ""
    prompt: str = ""
    prompt_version: str = ""
    person: str = ""
    job: int | None = None
    at: UnixTime = 0.0
    answer: str = ""


class Take(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One finished image; `file` is its name in the folder of its batch.

    `color` is its average (`#rrggbb`), `duration` its share of the rendering time in seconds; one that is `cached` was
    not drawn: it is the picture of an earlier take of the same spec. `deleted_at` is set while it lies in the trash.
    `rating` and `is_nsfw` are absent until it is labelled: then nobody knows what it shows.
    """

    id: int
    batch: str
    slot: int
    job: int
    file: str
    seed: int
    width: Pixels
    height: Pixels
    bytes: Bytes
    sha256: str
    color: str = "#000000"
    created_at: UnixTime = 0.0
    duration: Seconds = 0.0
    cached: bool = False
    favourite: bool = False
    deleted_at: UnixTime | None = None
    rating: Rating | None = None
    is_nsfw: bool | None = None
    label: Label | None = None


class Slot(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One card of a batch. `state` is that of its newest job, `pick` the take that counts; `takes` are those kept."""

    index: int
    name: str
    state: State
    pick: int | None = None
    job: int | None = None
    error: JobError | None = None
    takes: tuple[Take, ...] = ()


class Batch(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One dealt set (or, with an empty `set`, a single prompt). `states` counts its slots by state.

    `folder` is the absolute path of its pictures on the daemon's machine, to show; `mixes` are the names of the saved
    mixes that it was dealt with. `grid` are the axes of a grid: its slots are the cells, row by row of the sheet. An
    `audition` was drawn to hear what a mix does: it is not listed where nobody asks for it.
    `labelled` counts its takes that have a label. `duration` is the rendering time of all its takes together, of those
    that were deleted, too.
    """

    id: str
    set: str
    title: str
    theme: str = ""
    folder: str = ""
    created_at: UnixTime = 0.0
    slots: int = 0
    takes: int = 0
    states: dict[str, int] = {}
    mixes: tuple[str, ...] = ()
    grid: tuple[Axis, ...] = ()
    labelled: int = 0
    audition: bool = False
    duration: Seconds = 0.0


class SetInfo(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A set as it is listed. `problems` is not empty where it cannot be dealt."""

    id: str
    name: str
    description: str = ""
    builtin: bool = False
    cards: int = 0
    width: Pixels = 0
    height: Pixels = 0
    example_theme: str = ""
    mix: tuple[LoraWeight, ...] = ()
    problems: tuple[Problem, ...] = ()


class Card(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One row of a set."""

    index: int
    name: str
    values: dict[str, str] = {}


class Tokens(Body, frozen=True, omit_defaults=True, kw_only=True):
    """How a prompt fits the text encoder: `count` tokens with both marks, of `limit`; `cut` is the text that is lost.

    `exact` is false where the model's tokenizer is not at hand and the count is an estimate.
    """

    count: int
    limit: int = 77
    cut: str = ""
    exact: bool = True


class PlannedCard(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One card as it would be dealt. `duplicate_of` is the index of an earlier card with the same prompt.

    `triggers` are the trigger words of its LoRAs, `missing` those that its prompt does not have: a hint.
    """

    index: int
    name: str
    prompt: str
    seed: int
    tokens: Tokens
    parts: PromptParts = PromptParts()
    negative_prompt: str = ""
    steps: int = 0
    guidance_scale: float = 0.0
    mix: tuple[LoraWeight, ...] = ()
    unresolved: tuple[str, ...] = ()
    duplicate_of: int | None = None
    triggers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class ModelInfo(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The model that jobs use. `sizes` are its native sizes (width, height); `knows` says what a toy model can draw.

    `base` is what it is for LoRAs, in the words of [LoraInfo](#type-lorainfo): one of another base does not fit.
    """

    name: str
    revision: str = ""
    present: bool = True
    sizes: tuple[tuple[Pixels, Pixels], ...] = ()
    knows: str = ""
    base: str = "unknown"


class LoraInfo(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A LoRA as it is listed.

    `base` is the base model it was trained for (`sd1`, `sd2`, `sdxl`, `sd3`, `flux`, `other`, `starter`, `unknown`),
    `ranks` ascend, `parts` are what it changes (`unet`, `text_encoder`, `transformer`), `bytes` is the file's size.
    `trigger` are the words that wake it: a person's note, else those of the file's metadata, else the most frequent
    tags; `trigger_from` says which. `weight` is the preferred one that a person noted. `problems` tell what is wrong or
    doubtful; one that is not `usable` cannot be dealt with.
    """

    name: str
    base: str = "unknown"
    ranks: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()
    bytes: Bytes = 0
    trigger: str = ""
    trigger_from: TriggerFrom = ""
    weight: float | None = None
    usable: bool = True
    problems: tuple[Problem, ...] = ()


class MixInfo(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A saved mix: LoRAs with exact weights, in their order."""

    name: str
    mix: tuple[LoraWeight, ...]
    saved_at: UnixTime = 0.0


WorkerPhase = Literal["starting", "idle", "loading", "working", "dead"]


class DeviceWorker(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A worker process, as last reported; memory in bytes, 0 where it does not apply."""

    lane: str = "gpu"
    phase: WorkerPhase = "starting"
    pid: int = 0
    device: str = ""
    device_name: str = ""
    dtype: str = ""
    model: str = ""
    detail: str = ""
    memory_used: Bytes = 0
    memory_total: Bytes = 0
    torch: str = ""
    restarts: int = 0
    seconds_per_step: Seconds = 0.0
    index: int = 0


class Worker(DeviceWorker, frozen=True, omit_defaults=True, kw_only=True):
    """The worker of a lane. Where there are several, one for each device, it stands for all of them together.

    `workers` has each of several, by `index`. Also sent to subscribers beside the events, whenever it changes.
    """

    workers: tuple[DeviceWorker, ...] = ()


class Check(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One finding of the doctor, with the remedy where something is wrong."""

    name: str
    level: Level
    message: str
    remedy: str = ""


# ---------------------------------------------------------------- replies


class Status(Body, frozen=True, omit_defaults=True, kw_only=True):
    """How the daemon is. `jobs` counts all jobs by state; while it is `paused` no job is started."""

    version: str
    pid: int
    uptime: Seconds
    boot: str
    epoch: str
    worker: Worker
    model: ModelInfo
    jobs: dict[str, int]
    data_dir: str
    output_dir: str
    config_file: str
    disk_free: Bytes
    eta_s: Seconds | None = None
    paused: bool = False
    labeling: Worker | None = None


class Sets(Body, frozen=True, omit_defaults=True, kw_only=True):
    """All sets; `problems` are those that belong to no single set."""

    sets: tuple[SetInfo, ...]
    problems: tuple[Problem, ...] = ()


class SetDetail(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One set with its template and rows."""

    info: SetInfo
    base_prompt: str = ""
    prompt_template: str = ""
    style_suffix: str = ""
    negative_prompt: str = ""
    columns: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()


class Loras(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The LoRA library, by path. `folder` is where it is, to show; `problems` are those of files passed over.

    `after` is what to ask with for the next page.
    """

    loras: tuple[LoraInfo, ...]
    folder: str = ""
    problems: tuple[Problem, ...] = ()
    after: str | None = None


class LoraDetail(Body, frozen=True, omit_defaults=True, kw_only=True):
    """All that is known of one LoRA. `file` is its path in the library, to show.

    `base_because` says how the base is known. `layout` is the form of its tensors' names (`kohya`, `kohya-sai`,
    `diffusers`, `diffusers-old`, `peft`, `loha`, `lokr`, `dora`, `locon-cp`). `alpha` is that of the metadata, absent
    where they name none. `tags` are those of the training captions with their counts, most frequent first.
    """

    info: LoraInfo
    file: str
    sha256: str
    base_because: str = ""
    layout: str = ""
    alpha: float | None = None
    tags: tuple[tuple[str, int], ...] = ()
    notes: str = ""
    description: str = ""


class Mixes(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The saved mixes, by name."""

    mixes: tuple[MixInfo, ...]


class Plan(Body, frozen=True, omit_defaults=True, kw_only=True):
    """What a deal would do, without doing it. `eta_s` is absent until a speed was measured.

    That of a single prompt has an empty `set` and one card; `eta_s` is for all its pictures.
    """

    set: str
    title: str
    theme: str
    model: ModelInfo
    width: Pixels
    height: Pixels
    scheduler: str
    cards: tuple[PlannedCard, ...]
    warnings: tuple[str, ...] = ()
    eta_s: Seconds | None = None


class Themes(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Random themes and the seed that gives the same ones again."""

    themes: tuple[str, ...]
    seed: int


class Dealt(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The accepted jobs, on disk. `repeated` is true where the idempotency key had been used for the same request.

    `cached` jobs of them get a picture that was drawn before, and are done as soon as that is linked.
    """

    batch: Batch
    jobs: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    repeated: bool = False
    cached: int = 0


class Batches(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A page of batches, newest first; `before` is what to ask with for the next page."""

    batches: tuple[Batch, ...]
    before: str | None = None


class BatchDetail(Body, frozen=True, omit_defaults=True, kw_only=True):
    """One batch with its slots and their takes, oldest take first."""

    batch: Batch
    slots: tuple[Slot, ...]


class ListedTake(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A take with the names of its card and its set; `pick` tells whether it counts for its slot."""

    take: Take
    card: str
    set: str = ""
    title: str = ""
    theme: str = ""
    pick: bool = False


class Takes(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A page of takes, newest first; `before` is what to ask with for the next page."""

    takes: tuple[ListedTake, ...]
    before: int | None = None


class MixedLora(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A LoRA as it was drawn with; `applied` is the share of its layers that fitted the model (0 to 1), where known."""

    name: str
    weight: float
    sha256: str = ""
    applied: float | None = None


class TakeDetail(Body, frozen=True, omit_defaults=True, kw_only=True):
    """All that is known of a take.

    `spec` is what was asked for, `settings` the same as `generate` and `deal` take it, to draw such a picture again.
    `mix`, `model_revision`, `device`, `device_name`, `dtype`, `batch_size` and `versions` are what it was drawn with;
    they come from the sidecar and are absent where that is lost. `folder` is where its files are, to show.
    """

    about: ListedTake
    spec: GenerateSpec
    settings: Settings = Settings()
    mix: tuple[MixedLora, ...] = ()
    model_revision: str = ""
    device: str = ""
    device_name: str = ""
    dtype: str = ""
    batch_size: int = 0
    versions: dict[str, str] = {}
    seconds_per_step: Seconds = 0.0
    sidecar_bytes: Bytes = 0
    thumb_bytes: Bytes = 0
    folder: str = ""


class Deleted(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The takes that went into the trash; those that lay there already are not named."""

    takes: tuple[int, ...] = ()


class Restored(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The takes that came back from the trash; those that never left are not named."""

    takes: tuple[int, ...] = ()


class Emptied(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The takes that are gone for good, and the bytes that are free again."""

    takes: tuple[int, ...] = ()
    bytes: Bytes = 0


class Jobs(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A page of jobs, newest first; `before` is what to ask with for the next page."""

    jobs: tuple[Job, ...]
    before: int | None = None


class Queue(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A page of the queue: on the first one the running jobs, then those that wait, in the order of the queue.

    `after` is what to ask with for the next page. While the queue is `paused` no job is started.
    """

    jobs: tuple[Job, ...]
    paused: bool = False
    after: int | None = None


class Place(Body, frozen=True, omit_defaults=True):
    """Where a queued job stands: queued jobs are ordered by priority (the highest first), turn, rank and id."""

    job: int
    priority: int = 0
    turn: int = 0
    rank: float = 0.0


class Placed(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The jobs that stand elsewhere now."""

    jobs: tuple[int, ...] = ()


class Held(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The jobs that are held now; those that ran or had ended are left out."""

    jobs: tuple[int, ...] = ()


class Labeling(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The label jobs that are queued, on disk. `skipped` counts takes that have a label, or a job for one, already.

    `repeated` is true where the idempotency key had been used for the same request.
    """

    jobs: tuple[int, ...] = ()
    skipped: int = 0
    repeated: bool = False


class TakeLabel(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The label that a take has now; absent where it has none."""

    take: int
    label: Label | None = None


class Labels(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Every label that a take ever had, newest first, with answers that were not understood; `current` is the id of
    the one it has now.
    """

    take: int
    current: int | None = None
    labels: tuple[Label, ...] = ()


class LabelPrompts(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The prompts that a labeler can be asked with; `folder` is where your own are, to show."""

    names: tuple[str, ...]
    folder: str = ""


class Cancelled(Body, frozen=True, omit_defaults=True, kw_only=True):
    """`cancelled` ended at once, `stopping` stop between two steps, `ended` had ended before."""

    cancelled: tuple[int, ...] = ()
    stopping: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()


class Retried(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The jobs that are queued again."""

    jobs: tuple[int, ...] = ()


class Config(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The configuration in force by section, where it is read from, and whether a change waits for a restart."""

    values: dict[str, dict[str, Any]]
    file: str
    restart_needed: bool = False


class Doctor(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Every check, in the order to look at them."""

    checks: tuple[Check, ...]


class EventMark(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The last event a client has seen, in the database that `epoch` names."""

    epoch: str
    seq: int


class Snapshot(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The state as of event `seq`: open jobs (1,000 at most), the newest batches, the worker and that of labeling.

    The running jobs come first, then those that wait, in the order of the queue; while it is `paused` none is started.
    """

    epoch: str
    seq: int
    worker: Worker
    jobs: tuple[Job, ...] = ()
    batches: tuple[Batch, ...] = ()
    paused: bool = False
    labeling: Worker | None = None


class Resume(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The events `since + 1` … `seq` follow, then the live ones."""

    epoch: str
    seq: int


class BlobInfo(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A picture's file: name, media type, size in bytes, SHA-256, and its path for a client on the same machine."""

    name: str
    media: str
    bytes: Bytes
    sha256: str
    path: str = ""


class Chunk(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Where the raw frame behind this body belongs, and the size of the whole."""

    offset: Bytes
    length: Bytes
    total: Bytes


# ---------------------------------------------------------------- requests


class GetStatus(Request[Status], frozen=True, omit_defaults=True, kw_only=True):
    """Ask how the daemon is."""


class RunDoctor(Request[Doctor], frozen=True, omit_defaults=True, kw_only=True):
    """Check everything that imagineer needs."""


class ListSets(Request[Sets], frozen=True, omit_defaults=True, kw_only=True):
    """List the sets."""


class GetSet(Request[SetDetail], frozen=True, omit_defaults=True, kw_only=True):
    """One set by id or by an unambiguous beginning of it."""

    set: Name


class ListLoras(Request[Loras], frozen=True, omit_defaults=True, kw_only=True):
    """List the LoRAs, as the folder is now: all of them, or a page of `limit`."""

    limit: Limit | None = None
    after: FileName | None = None


class GetLora(Request[LoraDetail], frozen=True, omit_defaults=True, kw_only=True):
    """One LoRA by name, whatever its case."""

    lora: LoraName


class NoteLora(Request[LoraDetail], frozen=True, omit_defaults=True, kw_only=True):
    """Note trigger words, a preferred weight or anything else beside a LoRA.

    What is absent stays; an empty text and a weight of 0 take back what was noted.
    """

    lora: LoraName
    trigger: Prompt | None = None
    weight: Weight | None = None
    notes: Prompt | None = None


class ListMixes(Request[Mixes], frozen=True, omit_defaults=True, kw_only=True):
    """List the saved mixes."""


class GetMix(Request[MixInfo], frozen=True, omit_defaults=True, kw_only=True):
    """One saved mix by name, whatever its case."""

    name: MixName


class SaveMix(Request[MixInfo], frozen=True, omit_defaults=True, kw_only=True):
    """Save a mix, in place of an earlier one of that name; it is saved as exact weights of LoRAs.

    A name has up to 64 letters, digits, spaces, `_` and `-`, and is not that of a LoRA.
    """

    name: MixName
    mix: Annotated[tuple[LoraWeight, ...], msgspec.Meta(min_length=1)]


class RenameMix(Request[MixInfo], frozen=True, omit_defaults=True, kw_only=True):
    """Give a saved mix another name, which no other mix has."""

    name: MixName
    to: MixName


class DeleteMix(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Delete a saved mix. What was dealt with it stays as it is."""

    name: MixName


class PlanDeal(Request[Plan], frozen=True, omit_defaults=True, kw_only=True):
    """Show what `deal` would do. `cards` picks rows by index; empty means all."""

    set: Name
    theme: Prompt = ""
    settings: Settings = Settings()
    cards: tuple[Id, ...] = ()


class PlanPrompt(Request[Plan], frozen=True, omit_defaults=True, kw_only=True):
    """Show what `generate` would do."""

    prompt: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_N)] | None = None
    name: Name = ""
    settings: Settings = Settings()


class MakeThemes(Request[Themes], frozen=True, omit_defaults=True, kw_only=True):
    """Make up `count` different themes."""

    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    seed: Seed | None = None


class Submit(Request[Dealt], frozen=True, omit_defaults=True, kw_only=True):
    """What every request for pictures says.

    `idem` is its idempotency key. Without a `priority` it is 10 for a prompt or a re-roll of at most 8 pictures, else
    0. With `hold` the jobs are held until they are released. A picture that was drawn before from the same spec is not
    drawn again unless all is to be `fresh`.
    """

    idem: Idem
    priority: Priority | None = None
    hold: bool = False
    fresh: bool = False


class Deal(Submit, frozen=True, omit_defaults=True, kw_only=True):
    """Deal a set: one slot and one job for each row (or for the rows that `cards` picks).

    With `label`, the name of a label prompt, every take of the batch is labelled as soon as it is there. An `audition`
    is drawn only to be looked at: neither lists of batches nor a search have it unless they are asked to.
    """

    set: Name
    theme: Prompt = ""
    settings: Settings = Settings()
    cards: tuple[Id, ...] = ()
    label: Name = ""
    audition: bool = False


class Generate(Submit, frozen=True, omit_defaults=True, kw_only=True):
    """Draw a single prompt `n` times (absent: as often as the config says), with seeds counting up: one slot.

    `audition` is that of [deal](#request-deal).
    """

    prompt: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_N)] | None = None
    name: Name = ""
    settings: Settings = Settings()
    audition: bool = False


class DealGrid(Submit, frozen=True, omit_defaults=True, kw_only=True):
    """Draw a prompt, or a `card` of a `set`, once for every combination of the axes' values: one slot each.

    The first axis runs across the sheet, the second down; each further one adds blocks below. What an axis varies goes
    before all other settings, a row's own too; everything else, the seed too, is the same in all cells.
    """

    axes: Annotated[tuple[Axis, ...], msgspec.Meta(min_length=1, max_length=8)]
    prompt: Prompt = ""
    set: Name = ""
    card: Id | None = None
    theme: Prompt = ""
    settings: Settings = Settings()


class Reroll(Submit, frozen=True, omit_defaults=True, kw_only=True):
    """One more take for each named slot, with a new seed (`seed` for the first, then counting up)."""

    batch: Name
    slots: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1)]
    seed: Seed | None = None


class Complete(Submit, frozen=True, omit_defaults=True, kw_only=True):
    """Deal what is missing: every slot that keeps no take and has no job that is open or held by hand.

    It is drawn with the slot's own seed or, where takes were deleted, with a later one.
    """

    batch: Name


class ListBatches(Request[Batches], frozen=True, omit_defaults=True, kw_only=True):
    """Batches, newest first; with `auditions` also those."""

    limit: Limit = PAGE
    before: Name | None = None
    auditions: bool = False


class GetBatch(Request[BatchDetail], frozen=True, omit_defaults=True, kw_only=True):
    """One batch by id, by an unambiguous beginning of it, or `last`."""

    batch: Name


class ListJobs(Request[Jobs], frozen=True, omit_defaults=True, kw_only=True):
    """Jobs, newest first; `states` empty means all."""

    states: tuple[State, ...] = ()
    batch: Name | None = None
    limit: Limit = PAGE
    before: Id | None = None


class GetQueue(Request[Queue], frozen=True, omit_defaults=True, kw_only=True):
    """What runs and what waits, in the order of the queue."""

    limit: Limit = PAGE
    after: Id | None = None


class Cancel(Request[Cancelled], frozen=True, omit_defaults=True, kw_only=True):
    """Cancel jobs, or those of a batch that are open or held: queued ones at once, running ones between two steps."""

    jobs: tuple[Id, ...] = ()
    batch: Name | None = None


class RetryJobs(Request[Retried], frozen=True, omit_defaults=True, kw_only=True):
    """Queue failed, cancelled or held jobs again.

    Of a batch, and with `failed` of all batches, those that failed or whose worker died; what a person holds stays.
    """

    jobs: tuple[Id, ...] = ()
    batch: Name | None = None
    failed: bool = False


class Hold(Request[Held], frozen=True, omit_defaults=True, kw_only=True):
    """Hold waiting jobs, or those of a batch, until they are released."""

    jobs: tuple[Id, ...] = ()
    batch: Name | None = None


class Release(Request[Retried], frozen=True, omit_defaults=True, kw_only=True):
    """Queue held jobs again, or all held jobs of a batch."""

    jobs: tuple[Id, ...] = ()
    batch: Name | None = None


class MoveJobs(Request[Placed], frozen=True, omit_defaults=True, kw_only=True):
    """Move waiting jobs, in this order, or those of a batch, to an end of the queue or right before a waiting job.

    They take the priority of their new neighbour.
    """

    jobs: tuple[Id, ...] = ()
    batch: Name | None = None
    end: End | None = None
    before: Id | None = None


class SetPriority(Request[Placed], frozen=True, omit_defaults=True, kw_only=True):
    """Give waiting jobs, or those of a batch, another priority: the highest goes first."""

    priority: Priority
    jobs: tuple[Id, ...] = ()
    batch: Name | None = None


class Pause(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Start no more jobs, not even after a restart. What runs is finished; with `now` it goes back to its place."""

    now: bool = False


class Unpause(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Let the queue go on."""


class Pick(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Make this take the one that counts for its slot."""

    take: Id


class GetTake(Request[TakeDetail], frozen=True, omit_defaults=True, kw_only=True):
    """All that is known of a take, also of one in the trash."""

    take: Id


class Favourite(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Mark takes as favourites or, with `on` false, take the mark back. Names all of them or changes none."""

    takes: TakeIds
    on: bool = True


class DeleteTakes(Request[Deleted], frozen=True, omit_defaults=True, kw_only=True):
    """Put takes, or all takes of a batch, into the trash. Where the pick goes, the newest take that is kept counts."""

    takes: tuple[Id, ...] = ()
    batch: Name | None = None


class RestoreTakes(Request[Restored], frozen=True, omit_defaults=True, kw_only=True):
    """Take takes, or all takes of a batch, back from the trash, and let the pick be what it was."""

    takes: tuple[Id, ...] = ()
    batch: Name | None = None


class ListTrash(Request[Takes], frozen=True, omit_defaults=True, kw_only=True):
    """The takes in the trash, newest first."""

    limit: Limit = PAGE
    before: Id | None = None


class EmptyTrash(Request[Emptied], frozen=True, omit_defaults=True, kw_only=True):
    """Delete for good what lies in the trash. Nothing brings it back."""


class Search(Request[Takes], frozen=True, omit_defaults=True, kw_only=True):
    """Find takes, newest first, by the words that begin so in prompt, theme, set, card, LoRAs, caption or tags; empty
    finds all.

    `"gold leaf"` is a phrase, `-ink` leaves out, `card:fool`, `set:`, `theme:`, `prompt:`, `lora:`, `label:` (captions
    and tags) and `batch:` look there alone, `is:favourite`, `is:pick` and `is:nsfw` ask for what a take is,
    `rating:safe` for its rating.
    """

    query: Annotated[str, msgspec.Meta(max_length=500)] = ""
    limit: Limit = PAGE
    before: Id | None = None


class LabelTakes(Request[Labeling], frozen=True, omit_defaults=True, kw_only=True):
    """Label takes, or all takes of a batch, but for those that are labelled already (unless `force`).

    `prompt` names the question to ask; absent, it is the setting `labeling.prompt`.
    """

    idem: Idem
    takes: tuple[Id, ...] = ()
    batch: Name | None = None
    prompt: Name = ""
    force: bool = False


class GetLabels(Request[Labels], frozen=True, omit_defaults=True, kw_only=True):
    """Every label that a take ever had."""

    take: Id


class EditLabel(Request[TakeLabel], frozen=True, omit_defaults=True, kw_only=True):
    """Change the label of a take by hand; what is absent stays. The label before it is kept (`labels`)."""

    take: Id
    caption: Caption | None = None
    rating: AnyRating | None = None
    tags: Annotated[tuple[Tag, ...], msgspec.Meta(max_length=MAX_TAGS)] | None = None


class RestoreLabel(Request[TakeLabel], frozen=True, omit_defaults=True, kw_only=True):
    """Give a take one of its earlier labels back, which undoes an edit; no label at all where `label` is absent."""

    take: Id
    label: Id | None = None


class ListLabelPrompts(Request[LabelPrompts], frozen=True, omit_defaults=True, kw_only=True):
    """Name the prompts that a labeler can be asked with."""


class BuildLabeler(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Begin to build the labeler's container image. `building` tells how it goes, `labeler_built` how it ended.

    `base` is another image to build on than node's, `version` that of the Claude CLI, `network` what the build may use.
    """

    base: Name = ""
    version: Name = ""
    network: Name = ""


class GetConfig(Request[Config], frozen=True, omit_defaults=True, kw_only=True):
    """The configuration in force."""


class SetConfig(Request[Config], frozen=True, omit_defaults=True, kw_only=True):
    """Set one key (`generation.steps`) to a YAML value, or back to its default where `value` is absent."""

    key: Name
    value: Annotated[str, msgspec.Meta(max_length=4000)] | None = None


class Subscribe(Request[Snapshot], frozen=True, omit_defaults=True, kw_only=True):
    """Follow the daemon; answered by `snap` or `resume`. `ticks_hz` bounds the ticks of one job (0: none)."""

    since: EventMark | None = None
    ticks_hz: Annotated[float, msgspec.Meta(ge=0, le=30, extra={"unit": "per second"})] = 5.0


class WatchPreviews(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Watch a job, the jobs of a batch, or all jobs being drawn, from now on instead of what was watched before.

    `max_side` bounds the preview's longer side, `rate` the previews of one job: 0 ends watching, and the setting
    `daemon.preview_rate` bounds it.
    """

    job: Id | None = None
    batch: Name | None = None
    max_side: Annotated[int, msgspec.Meta(ge=8, le=256, extra={"unit": "pixels"})] = PREVIEW_SIDE
    rate: Annotated[float, msgspec.Meta(ge=0, le=30, extra={"unit": "per second"})] = 2.0


class Unsubscribe(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Stop following."""


class Stop(Request[Done], frozen=True, omit_defaults=True, kw_only=True):
    """Stop the daemon; running jobs go back to the queue and are drawn after the next start."""


class BlobStat(Request[BlobInfo], frozen=True, omit_defaults=True, kw_only=True):
    """Ask what the file of this take is (blob socket)."""

    take: Id
    variant: Variant = "full"


class SheetStat(Request[BlobInfo], frozen=True, omit_defaults=True, kw_only=True):
    """Draw the contact sheet of a grid, of the picks as they are now, and tell what its file is (blob socket)."""

    batch: Name


class SheetGet(Request[Chunk], frozen=True, omit_defaults=True, kw_only=True):
    """One chunk of the contact sheet of a grid, as it was drawn last (blob socket)."""

    batch: Name
    offset: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT, extra={"unit": "bytes"})] = 0
    length: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHUNK, extra={"unit": "bytes"})] = MAX_CHUNK


class BlobGet(Request[Chunk], frozen=True, omit_defaults=True, kw_only=True):
    """One chunk of a take's file (blob socket)."""

    take: Id
    variant: Variant = "full"
    offset: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT, extra={"unit": "bytes"})] = 0
    length: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHUNK, extra={"unit": "bytes"})] = MAX_CHUNK


# ---------------------------------------------------------------- events and ticks


class BatchAdded(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A batch was accepted; its jobs are queued, the first one with this `turn`, each further one with the next."""

    batch: Batch
    jobs: tuple[int, ...] = ()
    priority: int = 0
    turn: int = 0


class JobsAdded(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Jobs were added to a batch: it was re-rolled or completed, or (`kind`) its takes are to be labelled.

    The first one has this `turn`, each further one the next.
    """

    batch: str
    jobs: tuple[int, ...]
    slots: tuple[int, ...]
    priority: int = 0
    turn: int = 0
    kind: JobKind = "generate"


class JobMoved(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A job changed its state. That of a slot is the state of its newest job of kind `generate`."""

    job: int
    batch: str
    slot: int
    state: State
    attempts: int = 0
    error: JobError | None = None
    kind: JobKind = "generate"


class JobsPlaced(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Jobs stand elsewhere in the queue: they were moved, or queued again."""

    places: tuple[Place, ...]


class PauseChanged(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The queue was paused, or goes on."""

    paused: bool


class TakeAdded(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A job is done and its picture is on disk. `pick` tells whether it counts for its slot."""

    take: Take
    pick: bool = False


class PickChanged(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Another take counts for a slot."""

    batch: str
    slot: int
    take: int


class MixesChanged(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Mixes of these names were saved, renamed or deleted."""

    names: tuple[str, ...]


class LorasChanged(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The LoRA folder is another one than before: the names of what is new, gone or changed, at most 100 of each.

    A LoRA has changed where its file has, or the note beside it. The folder is looked into while somebody follows.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class TakeChanged(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Something is noted otherwise of a take: whether it is a favourite."""

    take: Take


class TakeDeleted(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A take went into the trash. `pick` is the take that counts for the slot now, absent where none is left."""

    take: int
    batch: str
    slot: int
    pick: int | None = None


class TakeRestored(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A take came back from the trash, its file maybe under another name. `pick` is what counts for the slot now."""

    take: Take
    pick: int | None = None


class TrashEmptied(Body, frozen=True, omit_defaults=True, kw_only=True):
    """What lay in the trash is gone for good."""

    takes: tuple[int, ...]


class BatchesForgotten(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Batches of which no picture is left, not even in the trash, are gone for good with their slots and jobs.

    They ended more than `daemon.history_days` ago.
    """

    batches: tuple[str, ...]


class LabelChanged(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A take has another label, or (absent) none any more."""

    batch: str
    slot: int
    take: int
    label: Label | None = None


class LabelerBuilt(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The build of the labeler's container image ended, well or (`error`) badly."""

    image: str
    error: JobError | None = None


class Building(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A line of what the build of the labeler's container image says."""

    line: str


class Tick(Body, frozen=True, omit_defaults=True, kw_only=True):
    """Progress of a running job: `step` of `steps`, seconds left for the job, where known."""

    job: int
    batch: str
    slot: int
    step: int
    steps: int
    eta_s: Seconds | None = None


class Preview(Body, frozen=True, omit_defaults=True, kw_only=True):
    """A running job as it looks after `step` of `steps`: `rgb` has 3 bytes a pixel, row by row from the top."""

    job: int
    batch: str
    slot: int
    step: int
    steps: int
    width: Pixels
    height: Pixels
    rgb: bytes


class Heartbeat(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The daemon lives; `seq` is its newest event."""

    boot: str
    seq: int


class Bye(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The daemon stops; the queue stays."""


EventBody = (
    BatchAdded
    | JobsAdded
    | JobMoved
    | JobsPlaced
    | PauseChanged
    | TakeAdded
    | PickChanged
    | MixesChanged
    | LorasChanged
    | TakeChanged
    | TakeDeleted
    | TakeRestored
    | TrashEmptied
    | BatchesForgotten
    | LabelChanged
    | LabelerBuilt
)
Beside = Tick | Preview | Worker | Building | Heartbeat | Bye

# ---------------------------------------------------------------- names

REQUESTS: Final[dict[str, type[Request[Any]]]] = {
    "hello": Hello,
    "status": GetStatus,
    "doctor": RunDoctor,
    "sets": ListSets,
    "set": GetSet,
    "loras": ListLoras,
    "lora": GetLora,
    "lora_note": NoteLora,
    "mixes": ListMixes,
    "mix": GetMix,
    "mix_save": SaveMix,
    "mix_rename": RenameMix,
    "mix_delete": DeleteMix,
    "plan": PlanDeal,
    "plan_prompt": PlanPrompt,
    "themes": MakeThemes,
    "deal": Deal,
    "generate": Generate,
    "grid": DealGrid,
    "reroll": Reroll,
    "complete": Complete,
    "batches": ListBatches,
    "batch": GetBatch,
    "jobs": ListJobs,
    "queue": GetQueue,
    "cancel": Cancel,
    "retry": RetryJobs,
    "hold": Hold,
    "release": Release,
    "move": MoveJobs,
    "priority": SetPriority,
    "pause": Pause,
    "unpause": Unpause,
    "pick": Pick,
    "take": GetTake,
    "favourite": Favourite,
    "delete": DeleteTakes,
    "restore": RestoreTakes,
    "trash": ListTrash,
    "empty_trash": EmptyTrash,
    "search": Search,
    "label": LabelTakes,
    "labels": GetLabels,
    "label_edit": EditLabel,
    "label_restore": RestoreLabel,
    "label_prompts": ListLabelPrompts,
    "labeler_build": BuildLabeler,
    "config": GetConfig,
    "config_set": SetConfig,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "watch_previews": WatchPreviews,
    "stop": Stop,
    "blob_stat": BlobStat,
    "blob_get": BlobGet,
    "sheet_stat": SheetStat,
    "sheet_get": SheetGet,
}
ROLE_OF: Final[dict[str, Role]] = {
    "hello": "viewer",
    "status": "viewer",
    "doctor": "viewer",
    "sets": "viewer",
    "set": "viewer",
    "loras": "viewer",
    "lora": "viewer",
    "lora_note": "operator",
    "plan": "viewer",
    "plan_prompt": "viewer",
    "themes": "viewer",
    "deal": "operator",
    "generate": "operator",
    "grid": "operator",
    "reroll": "operator",
    "complete": "operator",
    "batches": "viewer",
    "batch": "viewer",
    "jobs": "viewer",
    "cancel": "operator",
    "retry": "operator",
    "pick": "operator",
    "take": "viewer",
    "favourite": "operator",
    "delete": "operator",
    "restore": "operator",
    "trash": "viewer",
    "empty_trash": "admin",
    "search": "viewer",
    "mixes": "viewer",
    "mix": "viewer",
    "mix_save": "operator",
    "mix_rename": "operator",
    "mix_delete": "operator",
    "queue": "viewer",
    "pause": "operator",
    "unpause": "operator",
    "hold": "operator",
    "release": "operator",
    "move": "operator",
    "priority": "operator",
    "label": "operator",
    "labels": "viewer",
    "label_edit": "operator",
    "label_restore": "operator",
    "label_prompts": "viewer",
    "labeler_build": "admin",
    "config": "viewer",
    "config_set": "admin",
    "subscribe": "viewer",
    "watch_previews": "viewer",
    "unsubscribe": "viewer",
    "stop": "admin",
    "blob_stat": "viewer",
    "blob_get": "viewer",
    "sheet_stat": "viewer",
    "sheet_get": "viewer",
}
"""The least role that each request takes, `admin` where it is not named; enforced in `network/access.py`."""
BLOB_REQUESTS: Final = frozenset({"hello", "blob_stat", "blob_get", "sheet_stat", "sheet_get"})

REPLIES: Final[dict[str, type[Body]]] = {
    "welcome": Welcome,
    "err": Error,
    "ok": Done,
    "status_is": Status,
    "doctor_says": Doctor,
    "sets_are": Sets,
    "set_is": SetDetail,
    "loras_are": Loras,
    "lora_is": LoraDetail,
    "mixes_are": Mixes,
    "mix_is": MixInfo,
    "plan_is": Plan,
    "themes_are": Themes,
    "dealt": Dealt,
    "batches_are": Batches,
    "batch_is": BatchDetail,
    "takes_are": Takes,
    "take_is": TakeDetail,
    "deleted": Deleted,
    "restored": Restored,
    "emptied": Emptied,
    "jobs_are": Jobs,
    "queue_is": Queue,
    "cancelled": Cancelled,
    "retried": Retried,
    "held": Held,
    "placed": Placed,
    "labeling": Labeling,
    "labels_are": Labels,
    "label_is": TakeLabel,
    "label_prompts_are": LabelPrompts,
    "config_is": Config,
    "snap": Snapshot,
    "resume": Resume,
    "blob_is": BlobInfo,
    "chunk": Chunk,
}

EVENTS: Final[dict[str, type[Body]]] = {
    "batch_added": BatchAdded,
    "jobs_added": JobsAdded,
    "job_moved": JobMoved,
    "jobs_placed": JobsPlaced,
    "pause_changed": PauseChanged,
    "take_added": TakeAdded,
    "pick_changed": PickChanged,
    "mixes_changed": MixesChanged,
    "loras_changed": LorasChanged,
    "take_changed": TakeChanged,
    "take_deleted": TakeDeleted,
    "take_restored": TakeRestored,
    "trash_emptied": TrashEmptied,
    "batches_forgotten": BatchesForgotten,
    "label_changed": LabelChanged,
    "labeler_built": LabelerBuilt,
}

BESIDE: Final[dict[str, type[Body]]] = {
    "tick": Tick,
    "preview": Preview,
    "worker": Worker,
    "building": Building,
    "hb": Heartbeat,
    "bye": Bye,
}

KIND_OF: Final[dict[type[Body], str]] = {
    body: kind for table in (REQUESTS, REPLIES, EVENTS, BESIDE) for kind, body in table.items()
}

_encoder = msgspec.msgpack.Encoder()
_decode_head = msgspec.msgpack.Decoder(Head).decode
_decoders: Final = {body: msgspec.msgpack.Decoder(body) for body in KIND_OF}


def encode(body: Body, *, rid: int = 0, seq: int = 0) -> list[bytes]:
    """Return the two frames of a message."""
    return [encode_head(Head(VERSION, KIND_OF[type(body)], rid, seq)), _encoder.encode(body)]


def encode_head(head: Head) -> bytes:
    """Return the first frame."""
    return _encoder.encode(head)


def decode_head(frame: bytes | memoryview) -> Head:
    """Read the first frame. Raises `msgspec.DecodeError` (also its child `ValidationError`)."""
    return _decode_head(frame)


def decode_request(kind: str, frame: bytes | memoryview) -> Request[Any]:
    """Read a request's body. Raises `KeyError` for an unknown kind, `msgspec.DecodeError` for a wrong body."""
    return _decoders[REQUESTS[kind]].decode(frame)  # type: ignore[return-value]


def decode_from_daemon(kind: str, frame: bytes | memoryview) -> Body | None:
    """Read a reply, an event or a tick; None for a kind this side does not know, which is to be skipped.

    Also inside of it, what a later version added is left out (`lenient`). Raises `msgspec.DecodeError`.
    """
    body = REPLIES.get(kind) or EVENTS.get(kind) or BESIDE.get(kind)
    if body is None:
        return None
    try:
        return _decoders[body].decode(frame)
    except msgspec.ValidationError:
        return lenient.decode(frame, body)
