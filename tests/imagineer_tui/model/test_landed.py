"""The takes that landed while the app looked."""

from __future__ import annotations

import pytest
from fakes import BATCH, take
from msgspec.structs import replace

from imagineer_tui.model.landed import land, tell
from imagineer_tui.model.world import World
from imagineerd.protocol import Batch, Label, LabelChanged, TakeChanged, TakeDeleted, TakeRestored


@pytest.fixture
def world() -> World:
    world = World()
    world.batches = {BATCH: Batch(id=BATCH, set="zodiac", title="Zodiac", slots=3, takes=2)}
    world.landed.extend((take(1), take(2)))
    return world


def test_a_new_take_adds_to_the_time_that_its_deck_took_unless_it_was_not_drawn(world: World):
    land(world, replace(take(3), duration=0.5))
    land(world, replace(take(4), duration=0.5, cached=True))

    assert [landed.id for landed in world.landed] == [1, 2, 3, 4]
    assert world.batches[BATCH].duration == 0.5


def test_a_deleted_take_is_gone_and_counted_no_more(world: World):
    tell(world, TakeDeleted(take=1, batch=BATCH, slot=1))

    assert [landed.id for landed in world.landed] == [2]
    assert world.batches[BATCH].takes == 1

    tell(world, TakeRestored(take=take(1)))

    assert world.batches[BATCH].takes == 2


def test_what_is_noted_of_a_take_is_as_it_is_now(world: World):
    tell(world, TakeChanged(take=replace(take(2), favourite=True)))

    assert [landed.favourite for landed in world.landed] == [False, True]


def test_a_label_says_whether_it_is_to_be_blurred(world: World):
    tell(world, LabelChanged(batch=BATCH, slot=2, take=2, label=Label(id=1, rating="ADULT", is_nsfw=True)))
    assert [landed.is_nsfw for landed in world.landed] == [None, True]

    tell(world, LabelChanged(batch=BATCH, slot=2, take=2))
    assert world.landed[1].rating is None


def test_of_others_nothing_is_shown(world: World):
    tell(world, LabelChanged(batch="b9", slot=1, take=9, label=Label(id=1, rating="SAFE")))
    tell(world, TakeDeleted(take=9, batch="b9", slot=1))

    assert [landed.id for landed in world.landed] == [1, 2]
