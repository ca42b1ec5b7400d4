"""A deck that is followed: jobs and messages in, cards out."""

from __future__ import annotations

import pytest
from fakes import Deck as Script
from fakes import job
from hypothesis import given
from hypothesis import strategies as st

from imagineer_tui.deck import Deck, Pace
from imagineerd import protocol
from imagineerd.client import Event
from imagineerd.jobs import State


@pytest.fixture
def script() -> Script:
    return Script()


def deck_of(script: Script, only: tuple[int, ...] = ()) -> Deck:
    deck = Deck(script.batch(), only)
    deck.load(script.jobs.values())
    return deck


def test_a_card_ends_once_however_often_it_is_told(script: Script) -> None:
    deck = deck_of(script)
    taken, moved = Event(1, script.finish(1)), Event(2, script.move(1, State.DONE))

    assert [card.name for card in deck.take(taken)] == ["Aries"]
    assert deck.take(moved) == []
    assert deck.load(script.jobs.values()) == []


def test_what_ended_while_nobody_looked_is_found_by_the_next_look(script: Script) -> None:
    deck = deck_of(script)
    script.finish(2)

    assert [card.name for card in deck.load(script.jobs.values())] == ["Taurus"]


def test_a_deck_is_finished_when_nothing_more_happens_to_any_card(script: Script) -> None:
    deck = deck_of(script)
    for number in (1, 2):
        deck.take(Event(number, script.finish(number)))
    assert deck.running == []
    assert (deck.ended, len(deck.cards)) == (2, 3)

    deck.take(Event(3, script.move(3, State.CANCELLED)))
    assert deck.finished
    assert [card.name for card in deck.undone] == ["Gemini"]


def test_a_job_that_was_queued_again_is_waited_for(script: Script) -> None:
    script.move(3, State.FAILED)
    deck = deck_of(script, only=(3,))
    assert deck.finished

    deck.take(Event(1, script.move(3, State.QUEUED)))
    assert not deck.finished


def test_a_failed_card_counts_no_more_once_it_was_drawn_again(script: Script) -> None:
    script.move(1, State.FAILED)
    script.jobs[4] = job(4, State.DONE)

    assert deck_of(script).undone == []


def test_jobs_that_are_added_ask_for_another_look(script: Script) -> None:
    deck = deck_of(script)
    added = protocol.JobsAdded(batch=deck.batch.id, jobs=(4,), slots=(1,))

    deck.take(Event(1, added))

    assert deck.stale


def test_progress_of_other_batches_is_nothing(script: Script) -> None:
    deck = deck_of(script)

    assert deck.take(protocol.Tick(job=99, batch="other", slot=1, step=1, steps=4)) == []
    assert deck.take(Event(1, protocol.JobMoved(job=99, batch="other", slot=1, state=State.DONE))) == []


def test_the_time_left_is_measured_on_what_was_done(script: Script) -> None:
    deck = deck_of(script)
    pace = Pace(deck, now=100.0)
    assert pace.left(deck, now=101.0) is None

    deck.take(Event(1, script.finish(1)))
    assert pace.left(deck, now=104.0) == 8.0


def test_before_a_card_is_done_the_worker_s_speed_tells(script: Script) -> None:
    deck = deck_of(script)
    deck.take(protocol.Worker(phase="working", seconds_per_step=0.5))
    deck.take(protocol.Tick(job=1, batch=deck.batch.id, slot=1, step=2, steps=4))

    assert Pace(deck, now=0.0).left(deck, now=0.0) == 0.5 * (2 + 4 + 4)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(list(State)))))
def test_the_count_of_ended_cards_never_lies(moves: list[tuple[int, State]]) -> None:
    script = Script()
    deck = deck_of(script)
    for number, state in moves:
        deck.take(Event(1, script.move(number, state)))

    again = deck_of(script)
    assert [card.state for card in deck.cards.values()] == [card.state for card in again.cards.values()]
    assert deck.ended == again.ended
