"""The commands of labels: have takes labelled, show, change and export their labels, build the labeler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imagineer_tui import exporting, tables
from imagineer_tui.run import FAILED, INTERRUPTED, OK, Run
from imagineer_tui.words import number_of
from imagineerd import protocol
from imagineerd.client import Away, Client, Event, Followed
from imagineerd.errors import Invalid
from imagineerd.jobs import ENDED_STATES, Job, JobError, State
from imagineerd.protocol import Building, JobMoved, LabelChanged, LabelerBuilt, Labeling, Snapshot, Worker

PAGE = 1000


def label(run: Run) -> int:
    """Have takes labelled and follow that to the end, unless it is not wanted."""
    client, options = run.client(start=True), run.options
    messages = client.events()
    next(messages)  # from here on nothing is missed
    asked = client.label(**_takes_or_batch(options.what), prompt=options.prompt, force=options.force)
    if options.detach or not asked.jobs:
        run.out.show(asked, tables.labeling)
        return OK
    try:
        failed = _follow(run, asked, messages)
    except KeyboardInterrupt:
        run.out.result("Labeling goes on; imagineer cancel stops it.")
        return INTERRUPTED
    made = len(asked.jobs) - failed
    run.out.show(asked, lambda out, data: out.line(f"{made} of {number_of(len(data.jobs), 'take')} labelled."))
    return FAILED if failed else OK


def labels(run: Run) -> int:
    """Do what `labels ACTION` says."""
    actions = {
        "show": _show,
        "edit": _edit,
        "restore": _restore,
        "prompts": _prompts,
        "export": exporting.export,
        "build": _build,
    }
    return actions[run.options.action](run)


# ---------------------------------------------------------------- labeling


class Progress:
    """The label jobs that are waited for."""

    def __init__(self, jobs: tuple[int, ...]) -> None:
        self.open = set(jobs)
        self.total = len(jobs)
        self.told = 0
        self.failed = 0

    def end(self, job: int, state: State, error: JobError | None) -> str:
        """Note a job that moved; return a line about it if it is over and was not labelled."""
        if job not in self.open or state not in ENDED_STATES:
            return ""
        self.open.discard(job)
        if state is State.DONE:
            return ""
        self.failed += 1
        return f"{self.count()} job {job}: {state.value}{f': {error.message}' if error else '.'}"

    def count(self) -> str:
        """Count one more that is told of, and return how far it is."""
        self.told += 1
        return f"{self.told}/{self.total}"


def _follow(run: Run, asked: Labeling, messages: Iterator[Followed]) -> int:
    """Print a line for each take that is labelled; return how many were not."""
    progress, said = Progress(asked.jobs), ""
    for message in messages:
        match message:
            case Event(body=LabelChanged(label=protocol.Label() as new) as body) if new.job in progress.open:
                run.out.notice(f"{progress.count()} take {body.take}: {tables.label_line(new)}")
            case Event(body=JobMoved() as body):
                _tell(run, progress.end(body.job, body.state, body.error))
            case Worker(lane="io", detail=detail) if detail and detail != said:
                said = detail
                run.out.notice(detail)
            case Snapshot():
                for job in _jobs(run.client(), min(progress.open)):
                    _tell(run, progress.end(job.id, job.state, job.error))
            case Away():
                run.out.notice("The daemon is away; waiting for it …")
        if not progress.open:
            break
    return progress.failed


def _tell(run: Run, line: str) -> None:
    if line:
        run.out.notice(line)


def _jobs(client: Client, oldest: int) -> Iterator[Job]:
    """Yield the jobs down to the oldest one that matters."""
    before: int | None = None
    while before is None or before > oldest:
        page = client.jobs(limit=PAGE, before=before)
        yield from page.jobs
        before = page.before
        if before is None:
            return


def _takes_or_batch(words: list[str]) -> dict[str, Any]:
    """Return the arguments that the words stand for: numbers of takes, or one batch."""
    if all(word.isdecimal() for word in words):
        return {"takes": [int(word) for word in words]}
    if len(words) == 1:
        return {"batch_id": words[0]}
    raise Invalid(message="Name takes by their numbers, or one batch.")


# ---------------------------------------------------------------- labels


def _show(run: Run) -> int:
    what, client = run.options.what, run.client(start=True)
    if what.isdecimal():
        run.out.show(client.labels(int(what)), tables.label_history)
    else:
        run.out.show(client.batch(what), tables.labels)
    return OK


def _edit(run: Run) -> int:
    options = run.options
    if options.caption is options.rating is options.tags is None:
        raise Invalid(message="There is nothing to change: give --caption, --rating or --tags.")
    tags = None if options.tags is None else [tag for tag in map(str.strip, options.tags.split(",")) if tag]
    rating = None if options.rating is None else options.rating.upper().replace("NONE", "")
    changed = run.client(start=True).edit_label(options.take, caption=options.caption, rating=rating, tags=tags)
    run.out.show(changed, tables.take_label)
    return OK


def _restore(run: Run) -> int:
    client, options = run.client(start=True), run.options
    wanted = options.label or _label_before(client.labels(options.take))
    run.out.show(client.restore_label(options.take, wanted), tables.take_label)
    return OK


def _label_before(history: protocol.Labels) -> int | None:
    """Return the label that a take had before the one it has now; None for none."""
    understood = [found.id for found in history.labels if found.caption or found.tags or found.rating]
    older = [id_ for id_ in understood if history.current is not None and id_ < history.current]
    return older[0] if older else None


def _prompts(run: Run) -> int:
    run.out.show(run.client(start=True).label_prompts(), tables.label_prompts)
    return OK


def _build(run: Run) -> int:
    """Build the labeler's image and print every line of it."""
    client, options = run.client(start=True), run.options
    messages = client.events()
    next(messages)
    client.build_labeler(options.base, options.cli_version, options.network)
    for message in messages:
        match message:
            case Building(line=line):
                run.out.notice(line)
            case Event(body=LabelerBuilt() as built):
                run.out.show(built, tables.labeler_built)
                return FAILED if built.error else OK
    return FAILED
