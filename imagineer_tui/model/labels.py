"""Labels as a person sees them: how far a batch is, its takes with what is said of them, and a label as it is typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast, get_args

from msgspec.structs import replace

from imagineer_tui.model.world import World
from imagineerd.jobs import OPEN_STATES, Job, LabelSpec, State
from imagineerd.protocol import MAX_CAPTION, MAX_TAG, MAX_TAGS, AnyRating, Label, LabelChanged

if TYPE_CHECKING:
    from imagineerd.protocol import Batch, BatchDetail, Labels, Take

Standing: TypeAlias = Literal["none", "labelled", "waiting", "running", "held", "failed"]
Draft: TypeAlias = dict[str, str]
"""The text of each field of the form."""

MARKS: Final[Mapping[Standing, str]] = {
    "none": " ", "labelled": "✓", "waiting": "·", "running": "▶", "held": "◌", "failed": "✗",
}  # fmt: skip
RATINGS: Final[tuple[AnyRating, ...]] = get_args(AnyRating)
FIELDS: Final = {"caption": "Caption", "rating": "Rating", "tags": "Tags"}
_WAITING: Final[Mapping[State, Standing]] = {State.QUEUED: "waiting", State.RUNNING: "running", State.HELD: "held"}


# ---------------------------------------------------------------- how far it is


class Tally(NamedTuple):
    """Takes of a batch: those that have a label, all of them, and those with a label job that is not done."""

    labelled: int
    takes: int
    running: int = 0
    waiting: int = 0
    held: int = 0
    failed: int = 0

    @property
    def standing(self) -> Standing:
        """What is most worth knowing: what goes on, then what needs a person."""
        counts: dict[Standing, int] = {
            "running": self.running, "waiting": self.waiting, "failed": self.failed, "held": self.held,
            "labelled": 0 < self.takes <= self.labelled,
        }  # fmt: skip
        return next((standing for standing, count in counts.items() if count), "none")

    def __str__(self) -> str:
        parts = [f"{self.labelled} of {self.takes} labelled"]
        counts = {"now": self.running, "to come": self.waiting, "held": self.held, "failed": self.failed}
        return " · ".join([*parts, *(f"{count} {what}" for what, count in counts.items() if count)])


def newest_jobs(world: World, earlier: Iterable[Job]) -> dict[int, Job]:
    """Return the newest label job of each take; `earlier` ones ended before the app looked."""
    known = {job.id: job for job in earlier} | world.jobs
    jobs = (known[number] for number in sorted(known))
    return {job.spec.take: job for job in jobs if isinstance(job.spec, LabelSpec)}


def tally(batch: Batch, jobs: Iterable[Job]) -> Tally:
    """Return how far a batch is, of which no more is known than these newest label jobs."""
    counts = Counter(job.state for job in jobs if job.batch == batch.id)
    # The label that a person wrote after a failure is counted, but not known.
    failed = min(counts[State.FAILED], max(0, batch.takes - batch.labelled))
    return Tally(batch.labelled, batch.takes, counts[State.RUNNING], counts[State.QUEUED], counts[State.HELD], failed)


def tally_of(entries: Iterable[Entry]) -> Tally:
    """Return how far a batch is whose takes are known."""
    found = list(entries)
    counts = Counter(entry.standing for entry in found)
    labelled = sum(entry.take.label is not None for entry in found)
    return Tally(labelled, len(found), counts["running"], counts["waiting"], counts["held"], counts["failed"])


# ---------------------------------------------------------------- the takes of a batch


@dataclass(frozen=True)
class Entry:
    """A take: the name of its card, how its label stands, and why there is none or no new one."""

    take: Take
    name: str
    standing: Standing
    why: str = ""

    @property
    def key(self) -> str:
        """The take's number as text."""
        return str(self.take.id)

    @property
    def label(self) -> Label | None:
        """What is said of it now."""
        return self.take.label

    def is_hidden(self, revealed: Iterable[int]) -> bool:
        """Say whether its picture is blurred: rated not safe for work, and nobody asked to see it."""
        return bool(self.take.is_nsfw and self.take.id not in revealed)


def entries(detail: BatchDetail, jobs: Mapping[int, Job]) -> list[Entry]:
    """Return the takes of a batch, card by card; `jobs` are the newest label jobs by take."""
    return [
        _entry(take, slot.name if len(slot.takes) == 1 else f"{slot.name} #{take.id}", jobs.get(take.id))
        for slot in detail.slots
        for take in slot.takes
    ]


def _entry(take: Take, name: str, job: Job | None) -> Entry:
    if job and job.state in _WAITING:
        return Entry(take, name, _WAITING[job.state], job.error.message if job.error else "")
    if job and job.state is State.FAILED and _is_news(job, take.label):
        return Entry(take, name, "failed", job.error.message if job.error else "It failed.")
    return Entry(take, name, "labelled" if take.label else "none")


def _is_news(job: Job, label: Label | None) -> bool:
    """Say whether a failure still matters: no later job, and no person, said anything of the take since."""
    return label is None or (not label.person and (label.job or 0) < job.id)


def with_label(detail: BatchDetail, changed: LabelChanged) -> BatchDetail:
    """Return a batch in which a take has another label."""
    label = changed.label
    rating = (label.rating or None) if label else None
    is_nsfw = label.is_nsfw if label and rating else None
    slots = []
    for slot in detail.slots:
        takes = tuple(
            replace(take, label=label, rating=rating, is_nsfw=is_nsfw) if take.id == changed.take else take
            for take in slot.takes
        )
        slots.append(replace(slot, takes=takes) if slot.index == changed.slot else slot)
    return replace(detail, slots=tuple(slots))


def open_jobs(world: World, batch_id: str) -> tuple[int, ...]:
    """Return the label jobs of a batch that wait or run."""
    jobs = (job for job in world.jobs.values() if job.batch == batch_id and isinstance(job.spec, LabelSpec))
    return tuple(sorted(job.id for job in jobs if job.state in OPEN_STATES))


# ---------------------------------------------------------------- a label, its source and its history


def source(label: Label) -> str:
    """Return who said it: the labeler with its prompt, a person, or a person who changed what a labeler said."""
    prompt = f"prompt {label.prompt}" if label.prompt else ""
    machine = " · ".join(part for part in (label.model or "a labeler" * bool(label.prompt), prompt) if part)
    if not label.person:
        return machine
    return f"by hand, after {machine}" if machine else "by hand"


def is_understood(label: Label) -> bool:
    """Say whether there is anything in it; an answer that was not understood is kept, too."""
    return bool(label.caption or label.rating or label.tags)


def original(history: Labels) -> Label | None:
    """Return what a labeler said last, before any person changed it."""
    return next((label for label in history.labels if not label.person and is_understood(label)), None)


# ---------------------------------------------------------------- the form


class Edit(NamedTuple):
    """What is typed. `faults` are sentences by field; with any, it cannot be kept."""

    caption: str
    rating: AnyRating
    tags: tuple[str, ...]
    faults: dict[str, str]


def draft_of(label: Label | None) -> Draft:
    """Return a label as the texts of the form."""
    if label is None:
        return dict.fromkeys(FIELDS, "")
    return {"caption": label.caption, "rating": label.rating.lower(), "tags": ", ".join(label.tags)}


def read(draft: Mapping[str, str]) -> Edit:
    """Read the form; how a label is written (`tags` with commas, a rating in any case) is left to people."""
    caption = " ".join(draft["caption"].split())
    tags = tuple(dict.fromkeys(filter(None, (tag.strip().lower() for tag in draft["tags"].split(",")))))
    rating = draft["rating"].strip().upper()
    faults = {}
    if len(caption) > MAX_CAPTION:
        faults["caption"] = f"This has {len(caption):,} characters; a caption has {MAX_CAPTION:,} at most."
    if rating not in RATINGS:
        faults["rating"] = f"Type {', '.join(choice.lower() for choice in RATINGS if choice)}, or nothing."
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tags):
        faults["tags"] = f"Up to {MAX_TAGS} tags of {MAX_TAG} characters, with commas between them."
    if not faults and not (caption or rating or tags):
        faults["caption"] = "A label needs a caption, a tag or a rating."
    return Edit(caption, cast("AnyRating", rating), tags, faults)


def field_of(path: str) -> str:
    """Return the field of the form that an error of the daemon names; the first one where it names none."""
    name = path.removeprefix("$.").partition("[")[0]
    return name if name in FIELDS else next(iter(FIELDS))


def next_rating(text: str, by: int) -> str:
    """Return the rating that comes after the typed one, or before it."""
    choices = [choice.lower() for choice in RATINGS]
    at = choices.index(text.strip().lower()) if text.strip().lower() in choices else 0
    return choices[(at + by) % len(choices)]
