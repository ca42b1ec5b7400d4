"""The takes that landed while the app looked, and what else is said of one of them."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from msgspec.structs import replace

from imagineer_tui.model.world import World
from imagineerd.protocol import LabelChanged, Take, TakeChanged, TakeDeleted, TakeRestored

Told: TypeAlias = TakeDeleted | TakeRestored | TakeChanged | LabelChanged
"""What happens to takes that were drawn."""


def land(world: World, take: Take) -> None:
    """Take in a new take; its batch took as much longer to draw."""
    world.landed.append(take)
    batch = world.batches.get(take.batch)
    if batch and not take.cached:
        world.batches[batch.id] = replace(batch, duration=batch.duration + take.duration)


def tell(world: World, body: Told) -> None:
    """Take in what happened to a take; the number of takes of its batch follows."""
    match body:
        case TakeDeleted():
            _put(world, body.take, None)
            _count(world, body.batch, -1)
        case TakeRestored():
            _count(world, body.take.batch, +1)
        case TakeChanged():
            _put(world, body.take.id, body.take)
        case LabelChanged():
            _label(world, body)


def _put(world: World, number: int, now: Take | None) -> None:
    """Put a take in the place of what it was; without one, it is gone."""
    shown = [now if take.id == number else take for take in world.landed]
    world.landed = deque((take for take in shown if take), world.landed.maxlen)


def _label(world: World, body: LabelChanged) -> None:
    rating = body.label.rating or None if body.label else None
    is_nsfw = body.label.is_nsfw if body.label and rating else None
    for take in [take for take in world.landed if take.id == body.take]:
        _put(world, take.id, replace(take, rating=rating, is_nsfw=is_nsfw, label=body.label))


def _count(world: World, batch_id: str, more: int) -> None:
    if batch := world.batches.get(batch_id):
        world.batches[batch_id] = replace(batch, takes=max(0, batch.takes + more))
