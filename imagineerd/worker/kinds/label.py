"""Label one picture: ask the labeler, once more where its answer is not understood, and answer for the job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from imagineerd import link
from imagineerd.errors import LabelError
from imagineerd.labels.answers import one_line, read_answer
from imagineerd.labels.envelope import LOGIN_REMEDY, Limited, LoggedOut, Reply, Unusable, complain, read_reply
from imagineerd.worker import containers
from imagineerd.worker.containers import MAX_OUTPUT, Ended
from imagineerd.worker.scratch import Given, Unready, given

if TYPE_CHECKING:
    import docker

    from imagineerd.worker.io import Context

TRIES: Final = 2
NOT_RUN: Final = frozenset({126, 127})
"""Exit statuses by which a shell says that there is no such command, or that it may not be run."""
KEPT: Final = 64 * 1024
"""Characters of an answer that are read and kept."""
SHOWN: Final = 200
"""Characters of a labeler's words that a sentence repeats."""


def run(order: link.Label, context: Context) -> None:
    """Label the picture and answer for the job, whatever happens."""
    report: link.Labelled | link.Failed | link.Stopped | link.Blocked
    try:
        report = _label(order, context)
    except Limited as error:
        message = f"The labeler's account has reached its limit: {_shown(error)}."
        report = link.Blocked(order.job, order.attempt, message, limited=True, until=error.until)
    except LoggedOut as error:
        report = link.Blocked(
            order.job, order.attempt, f"The labeler is not logged in ({_shown(error)}): {LOGIN_REMEDY}"
        )
    except Unready as error:
        report = link.Blocked(order.job, order.attempt, str(error))
    except LabelError as error:
        report = link.Failed(order.job, order.attempt, error.code, error.message)
    context.mailbox.send(report)


def _label(order: link.Label, context: Context) -> link.Labelled | link.Failed | link.Stopped:
    said = ""
    for _ in range(TRIES):
        ended = _ask(order, context)
        if ended.why == "cancelled":
            return link.Stopped(order.job, order.attempt)
        reply = _reply(ended, order.labeler)
        said = reply.text.encode(errors="replace").decode()[:KEPT]  # JSON can say half of a surrogate pair
        if answer := read_answer(said):
            return link.Labelled(
                order.job, order.attempt, said, answer.caption, answer.rating, answer.tags, one_line(reply.model)
            )
    message = f'The labeler was asked {TRIES} times and not understood: "{_shown(said)}".'
    return link.Failed(order.job, order.attempt, LabelError.code, message, said or "(nothing)")


def _ask(order: link.Label, context: Context) -> Ended:
    """Run the labeler once; its login is taken out of what it says."""
    with given(order, context.scratch) as files:
        client = context.engine()
        ended = _run(client, order, files, context)
        if ended.by_others:  # as an engine that restarts does
            ended = _run(client, order, files, context)
        return ended._replace(stdout=files.hide(ended.stdout), stderr=files.hide(ended.stderr))


def _run(client: docker.DockerClient, order: link.Label, files: Given, context: Context) -> Ended:
    return containers.run(client, order, files.files, context.owner, lambda: context.mailbox.cancelled(order.job))


def _reply(ended: Ended, labeler: link.Labeler) -> Reply:
    """Return what the labeler said. Raises `LabelError`, `Unready`, and what `read_reply` raises beside `Unusable`."""
    if ended.why == "timeout":
        message = f"The labeler gave no answer within {labeler.timeout_s:g} seconds (labeling.timeout_s)."
        raise LabelError(message)
    if ended.why == "output":
        raise LabelError(f"The labeler printed more than {MAX_OUTPUT:,} bytes and was stopped.")
    if ended.out_of_memory:
        raise LabelError(f"The labeler needed more than {labeler.memory >> 20} MB (labeling.memory_mb).")
    if ended.by_others:
        raise LabelError(f"The labeler was ended from outside, with status {ended.status}.")
    if ended.status in NOT_RUN:
        raise Unready(f"The image {labeler.image} cannot run labeling.command: {_shown(ended.stderr or ended.stdout)}.")
    try:
        reply = read_reply(ended.stdout)
        if ended.status and reply.text is ended.stdout:
            complain(ended.stderr or ended.stdout)
    except Unusable as error:
        raise LabelError(f'The labeler failed with status {ended.status}: "{_shown(error)}".') from None
    return reply


def _shown(said: object) -> str:
    text = one_line(str(said))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
