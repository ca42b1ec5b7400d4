"""The lines of the Queue screen."""

from __future__ import annotations

from fakes import BATCH, job
from msgspec.structs import replace
from piloting import status

from imagineer_tui.model.board import Line, awaited, left, lines
from imagineer_tui.model.world import Progress, World
from imagineerd.jobs import BY_HAND, Job, JobError, State
from imagineerd.protocol import Batch, Worker

DIED = JobError("E_WORKER_LOST", "Its worker died twice.")


def world_of(*jobs: Job, **batch: object) -> World:
    known = Batch(**{"id": BATCH, "set": "zodiac", "title": "Zodiac", "theme": "fog", "slots": 3, **batch})
    return World(jobs={job.id: job for job in jobs}, batches={BATCH: known})


def shown(world: World, *, opened: tuple[str, ...] = (), troubled: tuple[Job, ...] = ()) -> list[Line]:
    return lines(world, troubled, opened, 0.0)


def test_a_running_deck_is_followed_by_its_running_cards_and_by_what_comes_then():
    world = world_of(job(1, State.DONE), job(2, State.RUNNING), job(3), states={"done": 1, "running": 1, "queued": 1})
    world.progress[2] = Progress(1, 4, 0, 0.0, 0.5)

    deck, card, then = shown(world)

    assert (deck.text, deck.count, deck.jobs, deck.whole) == ("Zodiac “fog”", "1/3", (2, 3), True)
    assert (card.text, card.count, card.share, card.note) == ("Taurus", "step 1/4", 0.25, "2.0 it/s")
    assert (then.section, then.text, then.count) == ("waiting", "then Gemini", "1 to go")


def test_a_deck_that_waits_names_its_first_cards():
    jobs = [replace(job(number), priority=10) for number in range(1, 6)]

    (line,) = shown(world_of(*jobs))

    assert line.text == "Zodiac “fog”   Aries · Taurus · Gemini · 2 more"
    assert (line.count, line.note) == ("5 to go", "prio +10")


def test_a_deck_unfolds_into_its_cards():
    _, first, second = shown(world_of(job(1), job(2)), opened=(f"waiting:{BATCH}",))

    assert [first.text, second.text] == ["· Aries", "· Taurus"]
    assert (first.jobs, first.indent) == ((1,), True)


def test_a_card_that_is_to_stop_says_so():
    _, card = shown(world_of(job(1, State.RUNNING, cancel_requested=True)))

    assert card.note == "stopping"


def test_a_deck_of_which_only_counts_are_known_yet_is_not_over():
    world = world_of(states={"done": 1, "queued": 2})
    world.stale = {BATCH}

    assert shown(world) == []


def test_what_the_disk_refuses_is_said_also_while_cards_are_being_drawn():
    world = world_of(job(1, State.RUNNING), job(2))
    world.worker = Worker(phase="working", detail="The disk is full: nothing was saved.")
    assert awaited(world) == "The disk is full: nothing was saved."

    world.worker = Worker(phase="working")
    assert awaited(world) == ""


def test_what_is_left_is_counted_by_the_daemon_where_not_all_of_it_is_known():
    world = world_of(*map(job, range(1, 1001)))
    world.status = status(jobs={"queued": 3000})

    assert left(world, 0.0) == "3000 cards"


def test_held_cards_say_whose_doing_it_was():
    (by_hand,) = shown(world_of(job(1, State.HELD, error=BY_HAND), states={"held": 1}))
    (died,) = shown(world_of(job(1, State.HELD, error=DIED), states={"held": 1}))

    assert (by_hand.note, by_hand.trouble) == ("by hand", False)
    assert (died.note, died.trouble) == ("its worker died", True)


def test_a_finished_deck_says_what_failed_card_by_card():
    error = JobError("E_OOM", "Out of memory: make it smaller.")
    failed = job(2, State.FAILED, error=error)
    world = world_of(job(1, State.DONE), failed, states={"done": 1, "failed": 1})

    deck, card = shown(world)

    assert (deck.text, deck.count, deck.note, deck.trouble) == ("! Zodiac “fog”", "1/2", "1 failed", True)
    assert (card.text, card.note, card.trouble) == ("✗ Taurus", "Out of memory: make it smaller.", True)


def test_a_finished_deck_says_how_long_it_took():
    (deck,) = shown(world_of(states={"done": 12}, duration=72.4))
    (before,) = shown(world_of(states={"done": 12}))

    assert (deck.count, deck.took) == ("12/12", "in 1:12")
    assert before.took == ""


def test_a_deck_that_waits_says_when_it_is_done_beside_its_priority():
    world = world_of(replace(job(1), priority=10))
    world.worker = Worker(seconds_per_step=0.5)

    (line,) = shown(world)

    assert (line.note, line.took) == ("prio +10", "· 0:02 left")


def test_a_deck_of_which_all_is_held_is_not_among_those_that_are_done():
    waits = world_of(job(1, State.HELD, error=BY_HAND), states={"held": 1})
    partly = world_of(job(1, State.HELD, error=BY_HAND), states={"held": 1, "done": 2})

    assert [line.section for line in shown(waits)] == ["held"]
    assert [line.section for line in shown(partly)] == ["held", "done"]


def test_an_audition_is_there_only_while_it_is_drawn():
    world = world_of(job(1, State.RUNNING), states={"running": 1})
    world.batches[BATCH] = replace(world.batches[BATCH], audition=True)
    assert {line.section for line in shown(world)} == {"now"}

    world.jobs[1] = job(1, State.CANCELLED)

    assert shown(world) == []
    assert world.decks == []


def test_failures_of_earlier_times_are_shown_with_their_deck_or_without_it():
    old = replace(job(9, State.FAILED, error=DIED), batch="long_ago")

    deck, card = shown(world_of(states={"done": 3}), troubled=(old,))

    assert deck.text == "✓ Zodiac “fog”"
    assert (card.batch, card.text) == ("long_ago", "✗ Gemini")


def test_what_was_queued_again_is_no_trouble_any_more():
    world = world_of(job(2))

    (line,) = shown(world, troubled=(job(2, State.FAILED, error=DIED),))

    assert line.section == "waiting"
