"""What is open in Labels."""

from __future__ import annotations

import pytest
from fakes import BATCH, Deck, take
from labelled import RAM, label_job
from msgspec.structs import replace

from imagineer_tui.model.labelled import Labelled
from imagineer_tui.model.world import World
from imagineerd.jobs import State
from imagineerd.protocol import Batch, BatchDetail, LabelChanged

OTHER = Batch(id="tarot_1", set="tarot", title="Tarot", takes=2, labelled=2)


@pytest.fixture
def opened() -> Labelled:
    deck = Deck().detail()
    first, *others = deck.slots
    opened = Labelled(detail=BatchDetail(batch=deck.batch, slots=(replace(first, takes=(take(1),)), *others)))
    opened.choose_from((deck.batch, OTHER))
    return opened


def test_the_newest_batch_is_open_where_none_was_chosen(opened: Labelled):
    assert opened.batch == BATCH


def test_a_batch_that_is_gone_gives_way_to_the_newest(opened: Labelled):
    opened.open("forgotten", "7")
    opened.choose_from((OTHER,))
    assert opened.batch == OTHER.id
    opened.choose_from(())
    assert opened.batch == ""


def test_the_cursors_go_where_they_are_wanted_once(opened: Labelled):
    opened.open(OTHER.id, "7")
    assert opened.arrive() == (OTHER.id, "7")
    assert opened.arrive() == ("", "")


def test_a_label_of_another_batch_changes_nothing(opened: Labelled):
    assert not opened.change(LabelChanged(batch=OTHER.id, slot=1, take=9, label=RAM))
    assert opened.change(LabelChanged(batch=BATCH, slot=1, take=1, label=RAM))
    _, (entry,) = opened.look(World())
    assert entry.label == RAM


def test_the_open_batch_is_counted_take_by_take_and_the_others_by_what_is_known_of_them(opened: Labelled):
    opened.earlier = (label_job(10, 1, State.FAILED),)
    batches, _ = opened.look(World())
    assert [(batch.id, str(tally)) for batch, tally in batches] == [
        (BATCH, "0 of 1 labelled · 1 failed"),
        (OTHER.id, "2 of 2 labelled"),
    ]
