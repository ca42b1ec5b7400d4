"""Labeling as a whole: how the labeler is, with the remedy where it cannot work, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from imagineer_tui.model.labels import Entry
from imagineer_tui.model.status import Tone
from imagineer_tui.model.world import World
from imagineer_tui.words import number_of
from imagineerd.jobs import LabelSpec, State

if TYPE_CHECKING:
    from imagineerd.protocol import Batch, Check

NEEDED: Final = ("docker", "labeler", "login")
"""Findings of the doctor that labels depend on, in the order to mend them."""
BUILD: Final = "B builds it here."
ONLY_LABELS: Final = " Only labels need it."
"""What the doctor adds, and what goes without saying here."""


class Notice(NamedTuple):
    """A line on how the labeler is."""

    mark: str
    text: str
    tone: Tone = "quiet"


class Scope(NamedTuple):
    """Something that can be labelled: in words, how many takes; named takes, or batches; labelled ones too or not."""

    key: str
    text: str
    takes: tuple[int, ...] = ()
    batches: tuple[str, ...] = ()
    force: bool = False


def notice(world: World, checks: Sequence[Check]) -> Notice | None:
    """Return how the labeler is: what goes on before what is in its way; None while nothing is known.

    `checks` are the doctor's findings.
    """
    trouble = _trouble(checks)
    return (
        _going_on(world, trouble)
        or _missing(world, trouble)
        or (Notice("✓", "The labeler is ready.") if checks else None)
    )


def _going_on(world: World, trouble: Check | None) -> Notice | None:
    lane, (running, waiting) = world.labeling, _open(world)
    if world.build and not world.build.ended:
        return Notice("▶", "The labeler's image is being built:", "live")
    if world.build and world.build.error and trouble and trouble.name == "labeler":
        return None
    if lane and lane.detail:
        here = f" {BUILD}" if trouble and trouble.name == "labeler" else ""
        return Notice("‖", f"Paused: {lane.detail}{here}", "needs")
    if world.paused and waiting:
        return Notice("‖", "The queue is paused: press 4, then p.", "needs")
    if running or waiting:
        to_come = f", {waiting} to come" if waiting else ""
        return Notice("▶", f"{number_of(running, 'picture')} with the labeler{to_come}.", "live")
    return None


def _missing(world: World, trouble: Check | None) -> Notice | None:
    if world.build and world.build.error:
        return Notice("✗", f"{world.build.error} B tries again.", "needs")
    if trouble:
        remedy = BUILD if trouble.name == "labeler" else trouble.remedy.removesuffix(ONLY_LABELS)
        return Notice("!", f"{trouble.message} {remedy}", "needs")
    return None


def _trouble(checks: Sequence[Check]) -> Check | None:
    found = {check.name: check for check in checks}
    needed = (found[name] for name in NEEDED if name in found)
    return next((check for check in needed if check.level != "ok"), None)


def _open(world: World) -> tuple[int, int]:
    states = [job.state for job in world.jobs.values() if isinstance(job.spec, LabelSpec)]
    return states.count(State.RUNNING), states.count(State.QUEUED)


# ---------------------------------------------------------------- what can be asked for


def scopes(entry: Entry | None, entries: Sequence[Entry], batches: Sequence[Batch], batch_id: str) -> list[Scope]:
    """Return what can be labelled from here, what is wanted most often first."""
    bare = [entry for entry in entries if entry.label is None]
    others = [batch for batch in batches if batch.labelled < batch.takes]
    left = sum(batch.takes - batch.labelled for batch in others)
    found = []
    if bare:
        what = "what has no label in this batch"
        found.append(Scope("rest", f"{what}: {number_of(len(bare), 'take')}", batches=(batch_id,)))
    if entry:
        again = " once more" if entry.label else ""
        found.append(Scope("take", f"{entry.name} alone{again}", takes=(entry.take.id,), force=True))
    if len(bare) < len(entries):
        found.append(
            Scope("all", f"this whole batch once more: {number_of(len(entries), 'take')}", (), (batch_id,), force=True)
        )
    if any(batch.id != batch_id for batch in others):
        text = f"what has no label in any batch: {number_of(left, 'take')}"
        found.append(Scope("everything", text, batches=tuple(batch.id for batch in others)))
    return found
