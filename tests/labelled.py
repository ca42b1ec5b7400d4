"""A fake daemon whose deck has labels: what it answers about them, and how it does what it is asked for."""

from __future__ import annotations

import io

from fakes import BATCH, FakeDaemon, job, label_spec, take
from msgspec.structs import replace
from PIL import Image

from imagineerd import protocol
from imagineerd.errors import Invalid
from imagineerd.jobs import Job, JobError, State
from imagineerd.protocol import Check, Label, LabelChanged

RAM = Label(id=5, caption="A ram.", rating="SAFE", tags=("ram", "gold"), model="claude-x", prompt="default", job=11)
BULL = Label(id=6, caption="A bull.", rating="EXPLICIT", is_nsfw=True, tags=("bull",), model="claude-x", prompt="booru")
ERROR = JobError("E_LABEL", "The labeler gave no answer within 120 seconds (labeling.timeout_s).")
NO_IMAGE = Check(
    name="labeler", level="warn", message="The image x is not there.", remedy="Run: imagineer labels build."
)


def png() -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", (16, 24), "gold").save(file, "PNG")
    return file.getvalue()


class Labels:
    """Three cards that are drawn: the first two have labels, and the daemon does what it is asked for."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon
        self.said: dict[int, list[Label]] = {1: [RAM], 2: [BULL], 3: []}
        self.now: dict[int, Label | None] = {1: RAM, 2: BULL, 3: None}
        self.checks: tuple[Check, ...] = (replace(NO_IMAGE, level="ok"),)
        daemon.pictures = dict.fromkeys((1, 2, 3), png())
        daemon.answers |= {
            "batches": lambda _: protocol.Batches(batches=(self.batch(),)),
            "batch": lambda _: self.detail(),
            "jobs": protocol.Jobs(jobs=()),
            "doctor": lambda _: protocol.Doctor(checks=self.checks),
            "label_prompts": protocol.LabelPrompts(names=("booru", "default"), folder="/labels"),
            "config": protocol.Config(values={"labeling": {"prompt": "default"}}, file="/config.yaml"),
            "labels": self.labels,
            "label": protocol.Labeling(jobs=(21,)),
            "label_edit": self.edited,
            "label_restore": self.restored,
            "labeler_build": protocol.Done(),
            "cancel": lambda request: protocol.Cancelled(cancelled=request.jobs),
            "retry": lambda request: protocol.Retried(jobs=request.jobs),
        }

    def batch(self) -> protocol.Batch:
        labelled = sum(label is not None for label in self.now.values())
        return protocol.Batch(
            id=BATCH,
            set="zodiac",
            title="Zodiac",
            theme="gold",
            slots=3,
            takes=3,
            states={"done": 3},
            labelled=labelled,
        )

    def detail(self) -> protocol.BatchDetail:
        names = {1: "Aries", 2: "Taurus", 3: "Gemini"}
        slots = tuple(
            protocol.Slot(index=number, name=name, state=State.DONE, job=number, takes=(self.labelled(number),))
            for number, name in names.items()
        )
        return protocol.BatchDetail(batch=self.batch(), slots=slots)

    def labelled(self, number: int) -> protocol.Take:
        label = self.now[number]
        rating = (label.rating or None) if label else None
        return replace(take(number), label=label, rating=rating, is_nsfw=label.is_nsfw if label and rating else None)

    def labels(self, request: protocol.GetLabels) -> protocol.Labels:
        now = self.now[request.take]
        said = tuple(sorted(self.said[request.take], key=lambda label: -label.id))
        return protocol.Labels(take=request.take, current=now.id if now else None, labels=said)

    def edited(self, request: protocol.EditLabel) -> protocol.TakeLabel:
        if request.caption == "refuse":
            raise Invalid(message="This caption is refused.", field="$.caption")
        id_ = 10 + len(self.said[request.take])
        label = Label(
            id=id_, caption=request.caption or "", rating=request.rating or "", tags=request.tags or (), person="1000"
        )
        self.said[request.take].append(label)
        return self.put(request.take, label)

    def restored(self, request: protocol.RestoreLabel) -> protocol.TakeLabel:
        found = (label for label in self.said[request.take] if label.id == request.label)
        return self.put(request.take, next(found, None))

    def put(self, number: int, label: Label | None) -> protocol.TakeLabel:
        self.now[number] = label
        return protocol.TakeLabel(take=number, label=label)

    def change(self, number: int, label: Label | None) -> None:
        """Let a take have another label, and tell of it."""
        self.put(number, label)
        self.daemon.happen(LabelChanged(batch=BATCH, slot=number, take=number, label=label))


def label_job(number: int, of: int, state: State = State.QUEUED, error: JobError | None = None) -> Job:
    return replace(job(number), slot=of, state=state, spec=label_spec(of), error=error)
