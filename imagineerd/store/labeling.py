"""Label jobs: which takes are to be labelled, and how a job of that kind ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from imagineerd.errors import NotFound
from imagineerd.jobs import Job, JobError, LabelSpec, State
from imagineerd.labels.answers import Answer
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.protocol import Labeling, LabelTakes, Take
from imagineerd.store import admission, intake, moves, pages, sayings
from imagineerd.store.intake import Idem, NewJob
from imagineerd.store.rows import spec_of
from imagineerd.store.sayings import Saying

_OPEN = "SELECT spec FROM job WHERE batch = ? AND kind = 'label' AND state IN ('queued', 'running')"


class NewLabel(msgspec.Struct, frozen=True):
    """A labeler's answer: as it was understood, the model that gave it, and word for word."""

    answer: Answer
    model: str
    said: str


def label_takes(  # noqa: PLR0913, PLR0917  as intake.add_jobs
    connection: sqlite3.Connection,
    asked: LabelTakes,
    prompt: LabelPrompt,
    idem: Idem | None,
    limit: int,
    at: float,
    *,
    client: str = "",
) -> Labeling:
    """Queue a label job for each take that is asked for, but for those that have one already, or a label.

    With `force` a label is no reason to leave a take out. Raises `NotFound`, `WrongState` for a take in the trash,
    `Conflict` and `Full` as `intake.add_jobs`.
    """
    if (reply := intake.earlier_reply(connection, idem)) is not None:
        return msgspec.structs.replace(msgspec.msgpack.decode(reply, type=Labeling), repeated=True)
    chosen = _chosen(connection, asked.takes, asked.batch)
    waiting = {take for batch_ in {take.batch for take in chosen} for take in _open(connection, batch_)}
    wanted = [take for take in chosen if (asked.force or take.label is None) and take.id not in waiting]
    admission.check_room(connection, client, len(wanted), limit)
    jobs = tuple(job for group in _by_batch(wanted) for job in _queue(connection, group, prompt, client, at))
    done = Labeling(jobs=jobs, skipped=len(chosen) - len(wanted))
    intake.remember_reply(connection, idem, done, at)
    return done


def finish(connection: sqlite3.Connection, job: int, attempt: int, new: NewLabel, at: float) -> bool:
    """Keep a labeler's answer and end its job, as failed where the take is gone for good by now.

    False, and nothing is done, for an attempt that does not run.
    """
    entry = moves.running(connection, job, attempt)
    if entry is None:
        return False
    spec = _spec(pages.job(connection, job))
    if error := _deleted(connection, spec.take):
        return moves.move(connection, entry, State.FAILED, at, error=error)
    sayings.say(connection, spec.take, new.answer, _saying(job, spec, new.model, new.said), at)
    return moves.move(connection, entry, State.DONE, at, take=spec.take)


def fail(  # noqa: PLR0913, PLR0917  what is known of a failure
    connection: sqlite3.Connection, job: int, attempt: int, error: JobError, said: str, at: float
) -> bool:
    """End a running attempt as failed and keep what the labeler said; False where that attempt does not run."""
    entry = moves.running(connection, job, attempt)
    if entry is None:
        return False
    spec = _spec(pages.job(connection, job))
    if said and not _deleted(connection, spec.take):
        sayings.say(connection, spec.take, None, _saying(job, spec, "", said), at)
    return moves.move(connection, entry, State.FAILED, at, error=error)


def _deleted(connection: sqlite3.Connection, take: int) -> JobError | None:
    try:
        pages.take(connection, take)
    except NotFound as error:
        return JobError(error.code, error.message)
    return None


def _chosen(connection: sqlite3.Connection, takes: Iterable[int], batch: str | None) -> list[Take]:
    chosen = {id_: pages.kept_take(connection, id_) for id_ in takes}
    if batch is not None:
        detail = pages.get_batch(connection, batch)
        chosen |= {take.id: take for slot in detail.slots for take in slot.takes}
    return list(chosen.values())


def _open(connection: sqlite3.Connection, batch: str) -> set[int]:
    """Return the takes of a batch for which a label job waits or runs."""
    specs = (spec_of(blob) for (blob,) in connection.execute(_OPEN, (batch,)))
    return {spec.take for spec in specs if isinstance(spec, LabelSpec)}


def _by_batch(takes: Iterable[Take]) -> Iterable[list[Take]]:
    groups: dict[str, list[Take]] = {}
    for take in takes:
        groups.setdefault(take.batch, []).append(take)
    return groups.values()


def _queue(
    connection: sqlite3.Connection, takes: Sequence[Take], prompt: LabelPrompt, client: str, at: float
) -> tuple[int, ...]:
    jobs: list[NewJob] = [(take.slot, intake.label_spec(connection, take, prompt)) for take in takes]
    return intake.queue_labels(connection, takes[0].batch, jobs, client, at)


def _spec(job: Job) -> LabelSpec:
    assert isinstance(job.spec, LabelSpec)  # noqa: S101 - its dispatcher has jobs of no other kind
    return job.spec


def _saying(job: int, spec: LabelSpec, model: str, said: str) -> Saying:
    return Saying(model=model, prompt=spec.prompt, prompt_version=spec.prompt_version, job=job, answer=said)
