"""What a client can ask for, as functions that return the request; nothing is sent here.

Ranges are those of the fields in `protocol`; the daemon checks them and answers `Invalid`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from imagineerd import protocol
from imagineerd.jobs import LoraWeight, State
from imagineerd.protocol import PAGE, Axis, End, Settings

CHOOSE_NOTHING = Settings()


def status() -> protocol.GetStatus:
    """How the daemon is."""
    return protocol.GetStatus()


def doctor() -> protocol.RunDoctor:
    """Check everything that imagineer needs."""
    return protocol.RunDoctor()


def sets() -> protocol.ListSets:
    """All sets, with what is wrong with them."""
    return protocol.ListSets()


def show_set(set_id: str) -> protocol.GetSet:
    """One set by id or by an unambiguous beginning of it. Raises `NotFound`."""
    return protocol.GetSet(set=set_id)


def loras(limit: int | None = None, after: str | None = None) -> protocol.ListLoras:
    """LoRAs of the library by path, with what is wrong with them.

    All of them, or a page of `limit` (1 to 1,000); `after` is that of the page before.
    """
    return protocol.ListLoras(limit=limit, after=after)


def lora(name: str) -> protocol.GetLora:
    """One LoRA by name, whatever its case. Raises `LoraError`."""
    return protocol.GetLora(lora=name)


def note_lora(
    name: str, *, trigger: str | None = None, weight: float | None = None, notes: str | None = None
) -> protocol.NoteLora:
    """Note something beside a LoRA; None leaves what is there, "" and 0 take it back. Raises `LoraError`."""
    return protocol.NoteLora(lora=name, trigger=trigger, weight=weight, notes=notes)


def mixes() -> protocol.ListMixes:
    """All saved mixes, by name."""
    return protocol.ListMixes()


def mix(name: str) -> protocol.GetMix:
    """One saved mix by name, whatever its case. Raises `NotFound`."""
    return protocol.GetMix(name=name)


def save_mix(name: str, loras: Iterable[LoraWeight]) -> protocol.SaveMix:
    """Save a mix of LoRAs, and of other mixes, in place of an earlier one. Raises `Invalid`, `LoraError`."""
    return protocol.SaveMix(name=name, mix=tuple(loras))


def rename_mix(name: str, to: str) -> protocol.RenameMix:
    """Give a saved mix another name. Raises `NotFound`, `Invalid`."""
    return protocol.RenameMix(name=name, to=to)


def delete_mix(name: str) -> protocol.DeleteMix:
    """Delete a saved mix. Raises `NotFound`."""
    return protocol.DeleteMix(name=name)


def plan(
    set_id: str, theme: str = "", settings: Settings = CHOOSE_NOTHING, cards: Iterable[int] = ()
) -> protocol.PlanDeal:
    """What `deal` would do with the same arguments. Raises what it would raise."""
    return protocol.PlanDeal(set=set_id, theme=theme, settings=settings, cards=tuple(cards))


def plan_prompt(
    prompt: str, n: int | None = None, settings: Settings = CHOOSE_NOTHING, name: str = ""
) -> protocol.PlanPrompt:
    """What `generate` would do with the same arguments. Raises what it would raise, but for `Full`."""
    return protocol.PlanPrompt(prompt=prompt, n=n, name=name, settings=settings)


def themes(count: int = 1, seed: int | None = None) -> protocol.MakeThemes:
    """Make up `count` (1 to 100) different themes, the same ones for the same seed."""
    return protocol.MakeThemes(count=count, seed=seed)


def deal(  # noqa: PLR0913 - what can be said of it
    set_id: str,
    theme: str = "",
    settings: Settings = CHOOSE_NOTHING,
    cards: Iterable[int] = (),
    idem: str = "",
    *,
    priority: int | None = None,
    hold: bool = False,
    fresh: bool = False,
    label: str = "",
    audition: bool = False,
) -> protocol.Deal:
    """Deal a set, or the rows of it whose indexes (from 1) `cards` names. Raises `NotFound`, `Invalid`, `Full`.

    With `label`, the name of a label prompt, takes are labelled as they come; `WrongState` where nothing can be. An
    `audition` is in no list of batches and found by no search unless that is asked for.

    `idem` is a key of the caller's own, for a deal that outlives this process; one is drawn where it is empty.
    `priority` (-100 to 100) is left to the daemon where it is None; with `hold` nothing is drawn until `release`, and
    with `fresh` all is drawn, also what was drawn before from the same spec.
    """
    return protocol.Deal(
        idem=idem or new_key(),
        set=set_id,
        theme=theme,
        settings=settings,
        cards=tuple(cards),
        priority=priority,
        hold=hold,
        fresh=fresh,
        label=label,
        audition=audition,
    )


def generate(  # noqa: PLR0913 - what can be said of it
    prompt: str,
    n: int | None = None,
    settings: Settings = CHOOSE_NOTHING,
    name: str = "",
    idem: str = "",
    *,
    priority: int | None = None,
    hold: bool = False,
    fresh: bool = False,
    audition: bool = False,
) -> protocol.Generate:
    """Draw one prompt `n` times (1 to 10,000). Raises `Invalid`, `Full`. For `idem` and what follows see `deal`."""
    return protocol.Generate(
        idem=idem or new_key(),
        prompt=prompt,
        n=n,
        name=name,
        settings=settings,
        priority=priority,
        hold=hold,
        fresh=fresh,
        audition=audition,
    )


def grid(  # noqa: PLR0913, PLR0917 - a grid is of a prompt or of a card
    axes: Iterable[Axis],
    prompt: str = "",
    set_id: str = "",
    card: int | None = None,
    theme: str = "",
    settings: Settings = CHOOSE_NOTHING,
    idem: str = "",
    *,
    priority: int | None = None,
    hold: bool = False,
    fresh: bool = False,
) -> protocol.DealGrid:
    """Draw a prompt, or a card of a set, with every combination of the axes' values (400 at most).

    Raises `NotFound`, `Invalid`, `LoraError`, `Full`. For `idem` and what follows see `deal`.
    """
    return protocol.DealGrid(
        idem=idem or new_key(),
        axes=tuple(axes),
        prompt=prompt,
        set=set_id,
        card=card,
        theme=theme,
        settings=settings,
        priority=priority,
        hold=hold,
        fresh=fresh,
    )


def reroll(  # noqa: PLR0913 - what can be said of it
    batch_id: str,
    slots: Iterable[int],
    seed: int | None = None,
    idem: str = "",
    *,
    priority: int | None = None,
    hold: bool = False,
    fresh: bool = False,
) -> protocol.Reroll:
    """One more take for each slot (from 1). Raises `NotFound`, `Full`. For `idem` and what follows see `deal`."""
    return protocol.Reroll(
        idem=idem or new_key(), batch=batch_id, slots=tuple(slots), seed=seed, priority=priority, hold=hold, fresh=fresh
    )


def complete(
    batch_id: str, idem: str = "", *, priority: int | None = None, hold: bool = False, fresh: bool = False
) -> protocol.Complete:
    """Deal what a batch lacks. Raises `NotFound`, `Full`. For `idem` and what follows see `deal`."""
    return protocol.Complete(idem=idem or new_key(), batch=batch_id, priority=priority, hold=hold, fresh=fresh)


def batches(limit: int = PAGE, before: str | None = None, *, auditions: bool = False) -> protocol.ListBatches:
    """A page of batches (1 to 1,000), newest first, with auditions if wanted; `before` is that of the page before."""
    return protocol.ListBatches(limit=limit, before=before, auditions=auditions)


def batch(batch_id: str) -> protocol.GetBatch:
    """One batch by id, by an unambiguous beginning of it, or `last`. Raises `NotFound`."""
    return protocol.GetBatch(batch=batch_id)


def jobs(
    states: Sequence[State] = (), batch_id: str | None = None, limit: int = PAGE, before: int | None = None
) -> protocol.ListJobs:
    """A page of jobs (1 to 1,000), newest first; no states mean all, `before` is that of the page before."""
    return protocol.ListJobs(states=tuple(states), batch=batch_id, limit=limit, before=before)


def queue(limit: int = PAGE, after: int | None = None) -> protocol.GetQueue:
    """A page (1 to 1,000) of what runs and what waits, in the order of the queue; `after` is that of the page before.

    Raises `NotFound`.
    """
    return protocol.GetQueue(limit=limit, after=after)


def cancel(jobs: Iterable[int] = (), batch_id: str | None = None) -> protocol.Cancel:
    """Cancel jobs, or those of a batch that are open or held. Raises `NotFound`."""
    return protocol.Cancel(jobs=tuple(jobs), batch=batch_id)


def retry(jobs: Iterable[int] = (), batch_id: str | None = None, *, failed: bool = False) -> protocol.RetryJobs:
    """Queue jobs again: those named, or of a batch (with `failed`: of all) what failed or whose worker died.

    Raises `NotFound`, `WrongState`.
    """
    return protocol.RetryJobs(jobs=tuple(jobs), batch=batch_id, failed=failed)


def hold(jobs: Iterable[int] = (), batch_id: str | None = None) -> protocol.Hold:
    """Hold waiting jobs, or those of a batch. Raises `NotFound`, `WrongState`."""
    return protocol.Hold(jobs=tuple(jobs), batch=batch_id)


def release(jobs: Iterable[int] = (), batch_id: str | None = None) -> protocol.Release:
    """Queue held jobs again, or those of a batch. Raises `NotFound`, `WrongState`."""
    return protocol.Release(jobs=tuple(jobs), batch=batch_id)


def move(
    jobs: Iterable[int] = (), batch_id: str | None = None, *, end: End | None = None, before: int | None = None
) -> protocol.MoveJobs:
    """Move waiting jobs, or those of a batch, to the `top` or the `bottom` of the queue or right before a job.

    Raises `NotFound`, `Invalid`, `WrongState`.
    """
    return protocol.MoveJobs(jobs=tuple(jobs), batch=batch_id, end=end, before=before)


def set_priority(priority: int, jobs: Iterable[int] = (), batch_id: str | None = None) -> protocol.SetPriority:
    """Give waiting jobs, or those of a batch, another priority (-100 to 100). Raises `NotFound`, `WrongState`."""
    return protocol.SetPriority(priority=priority, jobs=tuple(jobs), batch=batch_id)


def pause(*, now: bool = False) -> protocol.Pause:
    """Start no more jobs; with `now` those that run go back to their places."""
    return protocol.Pause(now=now)


def resume() -> protocol.Unpause:
    """Let the queue go on."""
    return protocol.Unpause()


def pick(take_id: int) -> protocol.Pick:
    """Make this take the one that counts for its slot. Raises `NotFound`."""
    return protocol.Pick(take=take_id)


def take(take_id: int) -> protocol.GetTake:
    """All that is known of a take, with the settings that draw it again. Raises `NotFound`."""
    return protocol.GetTake(take=take_id)


def favourite(takes: Iterable[int], *, on: bool = True) -> protocol.Favourite:
    """Mark takes as favourites, or take that back. Raises `NotFound`, `WrongState` for one in the trash."""
    return protocol.Favourite(takes=tuple(takes), on=on)


def delete(takes: Iterable[int] = (), batch_id: str | None = None) -> protocol.DeleteTakes:
    """Put takes, or all takes of a batch, into the trash. Raises `NotFound`, `DiskError`."""
    return protocol.DeleteTakes(takes=tuple(takes), batch=batch_id)


def restore(takes: Iterable[int] = (), batch_id: str | None = None) -> protocol.RestoreTakes:
    """Take takes, or all takes of a batch, back from the trash. Raises `NotFound`, `DiskError`."""
    return protocol.RestoreTakes(takes=tuple(takes), batch=batch_id)


def trash(limit: int = PAGE, before: int | None = None) -> protocol.ListTrash:
    """A page of the takes in the trash (1 to 1,000), newest first; `before` is that of the page before."""
    return protocol.ListTrash(limit=limit, before=before)


def empty_trash() -> protocol.EmptyTrash:
    """Delete for good what lies in the trash."""
    return protocol.EmptyTrash()


def search(query: str, limit: int = PAGE, before: int | None = None) -> protocol.Search:
    """A page of takes (1 to 1,000) that a query finds, newest first. Raises `Invalid` for a filter that is none."""
    return protocol.Search(query=query, limit=limit, before=before)


def label(
    takes: Iterable[int] = (), batch_id: str | None = None, prompt: str = "", *, force: bool = False, idem: str = ""
) -> protocol.LabelTakes:
    """Label takes, or those of a batch, that have no label yet (all of them with `force`).

    Raises `NotFound`, `Full`, and `WrongState` where nothing can be labelled. For `idem` see `deal`.
    """
    key, chosen = idem or new_key(), tuple(takes)
    return protocol.LabelTakes(idem=key, takes=chosen, batch=batch_id, prompt=prompt, force=force)


def labels(take_id: int) -> protocol.GetLabels:
    """Every label that a take ever had, newest first, each with the labeler's own words. Raises `NotFound`."""
    return protocol.GetLabels(take=take_id)


def edit_label(
    take_id: int,
    *,
    caption: str | None = None,
    rating: protocol.AnyRating | None = None,
    tags: Iterable[str] | None = None,
) -> protocol.EditLabel:
    """Change the label of a take by hand; None leaves what is there. Raises `NotFound`, `Invalid`."""
    chosen = None if tags is None else tuple(tags)
    return protocol.EditLabel(take=take_id, caption=caption, rating=rating, tags=chosen)


def restore_label(take_id: int, label_id: int | None = None) -> protocol.RestoreLabel:
    """Give a take one of its earlier labels back (its `Label.id`), or none: this undoes an edit. Raises `NotFound`."""
    return protocol.RestoreLabel(take=take_id, label=label_id)


def label_prompts() -> protocol.ListLabelPrompts:
    """The names of the prompts that a labeler can be asked with."""
    return protocol.ListLabelPrompts()


def build_labeler(base: str = "", version: str = "", network: str = "") -> protocol.BuildLabeler:
    """Begin to build the labeler's image; `events` tells of it by `Building` and, at the end, `LabelerBuilt`."""
    return protocol.BuildLabeler(base=base, version=version, network=network)


def config() -> protocol.GetConfig:
    """The configuration in force."""
    return protocol.GetConfig()


def set_config(key: str, value: str | None = None) -> protocol.SetConfig:
    """Set one key to a YAML value, back to its default with None. Raises `NotFound`, `Invalid`."""
    return protocol.SetConfig(key=key, value=value)


def stop() -> protocol.Stop:
    """Stop the daemon; the queue stays."""
    return protocol.Stop()


def new_key() -> str:
    """Draw an idempotency key: 32 hexadecimal digits."""
    return os.urandom(16).hex()
