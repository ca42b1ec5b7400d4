"""The Queue screen with a fake daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes import BATCH, Deck, FakeDaemon, job
from msgspec.structs import replace
from piloting import opened, shows, text_of, until
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.queue_rows import QueueRows
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineerd import protocol
from imagineerd.jobs import JobError, State

OTHER = "tarot_20261122_130000"


@pytest.fixture
def busy(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """One card runs, two wait, and a deck of two behind them."""
    deck.move(1, State.RUNNING)
    others = tuple(replace(job(number), batch=OTHER) for number in (7, 8))
    tarot = protocol.Batch(id=OTHER, set="tarot", title="Tarot", theme="gothic", slots=2, states={"queued": 2})
    daemon.snapshot_jobs = (*deck.jobs.values(), *others)
    daemon.snapshot_batches = (tarot, deck.batch())
    return daemon


@asynccontextmanager
async def queue_of(daemon: FakeDaemon, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[ImagineerApp, Pilot]]:
    async with opened(daemon, size) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("4")
        yield app, pilot


async def test_it_says_what_to_press_where_nothing_is_to_do(daemon: FakeDaemon):
    async with queue_of(daemon) as (_, pilot):
        await shows(pilot, "Nothing is drawn and nothing waits.", "1 deals a set")


async def test_it_shows_what_is_drawn_and_what_waits(busy: FakeDaemon):
    async with queue_of(busy) as (_, pilot):
        screen = await shows(pilot, "── Now ──", "Zodiac “gold on black”", "then Taurus · Gemini", "Tarot “gothic”")
        assert "4 Queue ●5" in screen


async def test_it_follows_the_steps(busy: FakeDaemon):
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "Aries", "begins")

        busy.beside(protocol.Tick(job=1, batch=BATCH, slot=1, step=2, steps=4))

        await shows(pilot, "step 2/4")


async def test_a_finished_card_moves_the_deck_on(busy: FakeDaemon, deck: Deck):
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "0/3")

        busy.happen(deck.finish(1), deck.move(2, State.RUNNING))

        await shows(pilot, "1/3", "then Gemini")


async def test_p_pauses_and_goes_on(busy: FakeDaemon):
    busy.answers |= {"pause": protocol.Done(), "unpause": protocol.Done()}
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "── Now ──")
        await pilot.press("p")
        await until(pilot, lambda: busy.count(protocol.Pause))
        assert not busy.last(protocol.Pause).now

        busy.happen(protocol.PauseChanged(paused=True))
        await shows(pilot, "‖ paused · no card is begun")
        await pilot.press("p")

        await until(pilot, lambda: busy.count(protocol.Unpause))


async def test_shift_p_stops_at_once(busy: FakeDaemon):
    busy.answers["pause"] = protocol.Done()
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "── Now ──")

        await pilot.press("P")

        await until(pilot, lambda: busy.count(protocol.Pause))
        assert busy.last(protocol.Pause).now


async def test_c_cancels_what_is_left_of_a_deck_and_z_takes_it_back(busy: FakeDaemon):
    busy.answers |= {"cancel": protocol.Cancelled(cancelled=(2, 3), stopping=(1,)), "retry": protocol.Retried()}
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac")

        await pilot.press("c")
        await shows(pilot, "Cancelled 3 cards. z takes it back.")
        assert busy.last(protocol.Cancel).jobs == (1, 2, 3)
        await pilot.press("z")

        await until(pilot, lambda: busy.count(protocol.RetryJobs))
        assert busy.last(protocol.RetryJobs).jobs == (2, 3, 1)


async def test_a_card_alone_is_cancelled_from_the_unfolded_deck(busy: FakeDaemon):
    busy.answers["cancel"] = protocol.Cancelled(cancelled=(3,))
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac")

        await pilot.press("j", "j", "enter")
        await shows(pilot, "· Gemini")
        await pilot.press("j", "j", "c")

        await until(pilot, lambda: busy.count(protocol.Cancel))
        assert busy.last(protocol.Cancel).jobs == (3,)


async def test_a_deck_is_moved_and_moved_back(busy: FakeDaemon):
    busy.answers["move"] = protocol.Placed(jobs=(7, 8))
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac")

        await pilot.press("G", "K")
        await shows(pilot, "Moved. z takes it back.")
        assert (busy.last(protocol.MoveJobs).jobs, busy.last(protocol.MoveJobs).before) == ((7, 8), 2)
        await pilot.press("z")

        await until(pilot, lambda: busy.count(protocol.MoveJobs) == 2)
        assert busy.last(protocol.MoveJobs).end == "bottom"


async def test_a_moved_deck_stands_elsewhere_at_once(busy: FakeDaemon):
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "then Taurus", "Tarot")

        places = (protocol.Place(job=7, rank=-2.0), protocol.Place(job=8, rank=-1.0))
        busy.happen(protocol.JobsPlaced(places=places))

        await until(pilot, lambda: _before(pilot, "Tarot", "then Taurus"))


def _before(pilot: Pilot, first: str, second: str) -> bool:
    screen = text_of(pilot.app)
    return screen.index(first) < screen.index(second)


async def test_plus_raises_the_priority(busy: FakeDaemon):
    busy.answers["priority"] = protocol.Placed(jobs=(7, 8))
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac")

        await pilot.press("G", "plus")

        await until(pilot, lambda: busy.count(protocol.SetPriority))
        assert (busy.last(protocol.SetPriority).priority, busy.last(protocol.SetPriority).jobs) == (10, (7, 8))


async def test_x_holds_and_releases(busy: FakeDaemon, deck: Deck):
    busy.answers |= {"hold": protocol.Held(jobs=(2, 3)), "release": protocol.Retried(jobs=(2, 3))}
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac")
        await pilot.press("j", "j", "x")
        await until(pilot, lambda: busy.count(protocol.Hold))

        busy.happen(deck.move(2, State.HELD), deck.move(3, State.HELD))
        await shows(pilot, "── Held ──", "2 held")
        await pilot.press("G", "x")

        await until(pilot, lambda: busy.count(protocol.Release))


async def test_a_failure_is_told_in_full_and_r_tries_again(daemon: FakeDaemon, deck: Deck):
    sentence = "Out of memory: make the cards smaller, or draw fewer."
    deck.move(2, State.FAILED, JobError("E_OOM", sentence))
    daemon.snapshot_batches = (deck.batch(),)
    daemon.answers["retry"] = protocol.Retried(jobs=(2,))
    async with queue_of(daemon) as (_, pilot):
        await shows(pilot, "✗ Taurus")
        await pilot.press("G")
        await shows(pilot, "✗ Out of memory: make the cards smaller, or draw fewer.")

        await pilot.press("r")

        await until(pilot, lambda: daemon.count(protocol.RetryJobs))
        assert daemon.last(protocol.RetryJobs).jobs == (2,)


async def test_the_card_that_is_drawn_is_seen_emerging(busy: FakeDaemon):
    async with queue_of(busy) as (_, pilot):
        await until(pilot, lambda: busy.count(protocol.WatchPreviews))

        busy.preview(protocol.Preview(job=1, batch=BATCH, slot=1, step=2, steps=4, width=2, height=3, rgb=bytes(18)))

        await shows(pilot, "Aries · step 2/4")


async def test_nothing_is_watched_where_nobody_looks(busy: FakeDaemon):
    async with queue_of(busy, (80, 24)) as (_, pilot):
        await shows(pilot, "── Now ──")
        assert not busy.count(protocol.WatchPreviews)

        await pilot.press("v")

        await until(pilot, lambda: busy.count(protocol.WatchPreviews))
        await shows(pilot, "─ Live ─")
        busy.answers["pause"] = protocol.Done()
        await pilot.press("p")  # the list below keeps its keys
        await until(pilot, lambda: busy.count(protocol.Pause))


async def test_a_finished_card_lands(busy: FakeDaemon, deck: Deck):
    async with queue_of(busy, (120, 40)) as (_, pilot):
        await shows(pilot, "── Now ──", "─ Landed ─")

        busy.happen(deck.finish(1))

        await until(pilot, lambda: [line for line in text_of(pilot.app).splitlines() if "Aries  " in line[76:]])


async def test_when_nothing_is_drawn_any_more_the_newest_card_is_shown_whole(daemon: FakeDaemon, deck: Deck):
    deck.move(1, State.RUNNING)
    daemon.snapshot_jobs, daemon.snapshot_batches = (deck.jobs[1],), (deck.batch(),)
    async with queue_of(daemon) as (app, pilot):
        await until(pilot, lambda: daemon.count(protocol.WatchPreviews))
        daemon.preview(protocol.Preview(job=1, batch=BATCH, slot=1, step=3, steps=4, width=2, height=3, rgb=bytes(18)))
        await shows(pilot, "Aries · step 3/4")

        daemon.happen(deck.finish(1))

        await until(pilot, lambda: app.screen.query_one(Picture).display)
        assert "step 3/4" not in text_of(app)


async def test_below_a_finished_card_it_says_which_one_that_is_and_what_is_drawn_now(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with queue_of(daemon, (120, 40)) as (_, pilot):
        await shows(pilot, "▸ Zodiac")
        daemon.happen(deck.finish(1))
        await shows(pilot, "── Done ──", "─ Landed ─")

        daemon.happen(deck.move(2, State.RUNNING))

        await shows(pilot, "Aries; Taurus · begins")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_all_cards_of_a_first_zodiac_have_room_beside_the_live_one(
    daemon: FakeDaemon, deck: Deck, size: tuple[int, int]
):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with queue_of(daemon, size) as (app, pilot):
        await shows(pilot, "▸ Zodiac")
        await pilot.press("v")
        landed = app.screen.query_one("LivePanel Thumbnails", Thumbnails)
        before = await until(pilot, lambda: landed.picture if landed.page_size >= 12 else None)

        daemon.happen(deck.finish(1))

        await shows(pilot, "5 to see them, 3 to mix a LoRA in")
        await pilot.pause()
        assert landed.picture == before, "What is offered at the end moves no picture."
        assert landed.page_size >= 12


async def test_slash_filters_what_there_is(busy: FakeDaemon):
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac", "Tarot")

        await pilot.press("slash", *"goth", "enter")

        await shows(pilot, "▸ Tarot")
        assert "then Taurus" not in text_of(pilot.app)


async def test_a_deck_that_failed_before_this_run_is_tried_again_as_a_whole(daemon: FakeDaemon, deck: Deck):
    deck.move(2, State.FAILED)
    daemon.snapshot_batches = (deck.batch(),)
    daemon.answers |= {"jobs": protocol.Jobs(jobs=()), "retry": protocol.Retried(jobs=(2,))}
    async with queue_of(daemon) as (_, pilot):
        await shows(pilot, "▸ ! Zodiac")

        await pilot.press("r")

        await shows(pilot, "1 card queued again.")
        assert daemon.last(protocol.RetryJobs).batch == BATCH


async def test_after_the_first_deck_it_says_what_to_do_with_it(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with queue_of(daemon) as (_, pilot):
        await shows(pilot, "▸ Zodiac")

        daemon.happen(deck.finish(1))

        await shows(pilot, "5 to see them, 3 to mix a LoRA in", "F2 and model.default change")
        assert not list(pilot.app._notifications)


async def test_what_is_offered_after_the_first_deck_goes_with_the_second_one(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with queue_of(daemon) as (_, pilot):
        await shows(pilot, "▸ Zodiac")
        daemon.happen(deck.finish(1))
        await shows(pilot, "5 to see them, 3 to mix a LoRA in")

        other = protocol.Batch(id=OTHER, set="tarot", title="Tarot", slots=2, states={"queued": 2})
        daemon.happen(protocol.BatchAdded(batch=other))

        await until(pilot, lambda: "5 to see them" not in text_of(pilot.app))


async def test_no_key_acts_on_a_line_that_is_not_seen(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    daemon.answers |= {"cancel": protocol.Cancelled(cancelled=(1,)), "pause": protocol.Done()}
    async with queue_of(daemon, (80, 24)) as (_, pilot):
        assert "c cancel" in await shows(pilot, "▸ Zodiac")
        await pilot.press("v")
        footer = (await shows(pilot, "─ Landed ─", "v look")).splitlines()[-1]
        assert footer.strip() == "? help  p pause  v look  : more"

        await pilot.press("c", "enter", "p")
        await until(pilot, lambda: daemon.count(protocol.Pause))
        assert daemon.count(protocol.Cancel) == 0

        await pilot.press("v", "c")
        await until(pilot, lambda: daemon.count(protocol.Cancel))


async def test_in_a_tiny_window_the_detail_leaves_room_for_the_list(daemon: FakeDaemon, deck: Deck):
    for number in (1, 2, 3):
        deck.move(number, State.DONE)
    daemon.snapshot_batches = (deck.batch(),)
    async with opened(daemon, (40, 10)) as (app, pilot):
        await until(pilot, lambda: app.world.connection.live)
        await pilot.press("4")
        await shows(pilot, "── Done ──", "3/3", BATCH, "✓ Zodiac “gold on black”")


async def test_names_have_the_room_of_columns_that_are_empty(daemon: FakeDaemon, deck: Deck):
    for number in (1, 2, 3):
        deck.move(number, State.DONE)
    daemon.snapshot_batches = (replace(deck.batch(), theme="fine constellations and moon phases"),)
    async with queue_of(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "✓ Zodiac “fine constellations and moon phases”")


async def test_in_80x24_it_says_so_below_the_cards_that_have_landed(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with queue_of(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "▸ Zodiac")
        await pilot.press("v")
        await shows(pilot, "Landed")

        daemon.happen(deck.finish(1))

        screen = await shows(pilot, "Landed", "5 to see them, 3 to mix a LoRA in, 1 to deal another deck.")
        assert "F2 and" not in screen


async def test_a_key_that_makes_no_sense_says_so(busy: FakeDaemon):
    async with queue_of(busy) as (_, pilot):
        await shows(pilot, "▸ Zodiac")

        await pilot.press("K")

        await shows(pilot, "This key is for lines below Waiting.")


async def test_a_line_that_is_clicked_twice_unfolds(busy: FakeDaemon):
    async with queue_of(busy) as (app, pilot):
        await shows(pilot, "then Taurus · Gemini")
        rows = app.screen.query_one(QueueRows)
        line = next(y for y in range(rows.size.height) if "then Taurus" in rows.render_line(y).text)

        await pilot.click(rows, offset=(6, line), times=2)

        await shows(pilot, "▸ then Taurus", "· Gemini  ", "· Taurus  ")


async def test_what_was_known_last_is_shown_although_the_daemon_is_away(busy: FakeDaemon):
    async with opened(busy) as (app, pilot):
        await until(pilot, lambda: app.world.connection.live and app.world.jobs)
        busy.go_away()
        await until(pilot, lambda: not app.world.connection.live)

        await pilot.press("4")

        await shows(pilot, "○ away", "── Now ──", "Zodiac “gold on black”", "then Taurus · Gemini")


async def test_a_card_is_seen_in_the_gallery(busy: FakeDaemon):
    async with queue_of(busy) as (app, pilot):
        await shows(pilot, "▸ Zodiac")
        assert not app.screen.query_one(QueueRows).line.indent
        await pilot.press("j")
        assert app.screen.query_one(QueueRows).line.indent

        await pilot.press("o")

        await until(pilot, lambda: app.current_mode == "gallery")
