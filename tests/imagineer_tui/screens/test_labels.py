"""The Labels screen with a fake daemon, and once with a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes import BATCH, FakeDaemon, spec, take
from house import House, wait_until
from labelled import ERROR, NO_IMAGE, RAM, Labels, label_job
from msgspec.structs import replace
from piloting import opened, shows, text_of, until
from textual.pilot import Pilot
from textual.widget import Widget

from imagineer_tui.app import ImagineerApp
from imagineer_tui.intents import LabelTake
from imagineer_tui.screens.labels import LabelsScreen
from imagineer_tui.widgets.label_panel import LabelPanel
from imagineer_tui.widgets.picture import Picture
from imagineerd import protocol
from imagineerd.errors import WrongState
from imagineerd.jobs import JobError, State
from imagineerd.protocol import Label


@pytest.fixture
def labels(daemon: FakeDaemon) -> Labels:
    return Labels(daemon)


@asynccontextmanager
async def labels_of(daemon: FakeDaemon, size: tuple[int, int] = (160, 50)) -> AsyncIterator[tuple[ImagineerApp, Pilot]]:
    async with opened(daemon, size) as (app, pilot):
        await until(pilot, lambda: app.world.connection.live)
        await pilot.press("6")
        yield app, pilot


# ---------------------------------------------------------------- what there is to see


@pytest.mark.usefixtures("labels")
async def test_it_says_what_to_press_where_no_deck_was_dealt(daemon: FakeDaemon):
    daemon.answers["batches"] = protocol.Batches(batches=())
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "No decks yet.", "Press 1 to deal one.", "✓ The labeler is ready.")


@pytest.mark.usefixtures("labels")
async def test_a_batch_shows_its_takes_with_what_is_said_of_them(daemon: FakeDaemon):
    async with labels_of(daemon) as (_, pilot):
        await shows(
            pilot, "Zodiac gold", "2/3", "✓ Aries", "safe", "A ram.", "▒explicit", "no label", "2 of 3 labelled"
        )
        await shows(pilot, "take 1", "rated safe", "ram · gold", "claude-x · prompt default")


@pytest.mark.usefixtures("labels")
async def test_in_a_tiny_window_there_are_lines_of_the_list_still(daemon: FakeDaemon):
    async with labels_of(daemon, (40, 10)) as (_, pilot):
        await shows(pilot, "✓ Aries          safe", "✓ Aries  take 1")


@pytest.mark.usefixtures("labels")
async def test_while_the_daemon_is_away_the_list_is_read_on_and_what_is_missed_comes_later(daemon: FakeDaemon):
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries", "take 1")
        daemon.go_away()
        await until(pilot, lambda: not app.world.connection.live)

        await pilot.press("G")
        screen = await shows(pilot, "take 3", "not here while the daemon is away")
        assert "start it with" not in screen
        asked = daemon.count(protocol.GetLabels)
        daemon.come_back()

        await until(pilot, lambda: "not here while" not in text_of(app))
        await until(pilot, lambda: daemon.count(protocol.GetLabels) > asked)


async def test_a_long_name_has_up_to_half_the_list(daemon: FakeDaemon, labels: Labels):
    detail = labels.detail()
    named = tuple(replace(slot, name=f"The {slot.name} of Swords") for slot in detail.slots)
    daemon.answers["batch"] = replace(detail, slots=named)
    async with labels_of(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "✓ The Aries of Swords  safe")


@pytest.mark.usefixtures("labels")
async def test_a_take_without_a_label_says_what_to_press(daemon: FakeDaemon):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("G")
        await shows(pilot, "take 3", "No label yet. L has it labelled")


@pytest.mark.usefixtures("labels")
async def test_jobs_stand_at_their_takes_and_are_counted(daemon: FakeDaemon):
    daemon.snapshot_jobs = (label_job(11, 3, State.RUNNING), label_job(12, 1))
    daemon.answers["jobs"] = protocol.Jobs(jobs=(label_job(10, 2, State.FAILED, ERROR),))
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "▶ Gemini", "with the labeler", "· Aries", "✗ Taurus", "The labeler gave no answer within")
        await shows(pilot, "1 picture with the labeler, 1 to come.", "2 of 3 labelled · 1 now · 1 to come · 1 failed")


async def test_a_label_that_comes_is_shown_by_itself(daemon: FakeDaemon, labels: Labels):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "2 of 3 labelled", "no label")
        asked = daemon.count(protocol.GetBatch)
        labels.change(3, replace(RAM, id=7, caption="Twins.", job=12))
        await shows(pilot, "3 of 3 labelled", "Twins.", "3/3")
        assert daemon.count(protocol.GetBatch) == asked


@pytest.mark.usefixtures("labels")
async def test_a_labeler_that_rests_says_why_and_marks_the_tab(daemon: FakeDaemon):
    why = "The labeler's account has reached its limit. Labeling goes on at 14:05."
    daemon.labeling = protocol.Worker(lane="io", phase="idle", detail=why)
    daemon.snapshot_jobs = (label_job(12, 3),)
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, f"‖ Paused: {why}", "6 Labels ‖")


@pytest.mark.usefixtures("labels")
async def test_a_picture_that_is_rated_unsafe_is_blurred_until_b_reveals_it(daemon: FakeDaemon):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("j")
        await shows(pilot, "rated explicit", "blurred; b reveals it")
        await pilot.press("b")
        await until(pilot, lambda: "blurred; b" not in text_of(pilot.app))


@pytest.mark.usefixtures("labels")
async def test_the_filter_looks_at_captions_tags_and_standings(daemon: FakeDaemon):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("slash", *"bull", "enter")
        await until(pilot, lambda: "✓ Aries" not in text_of(pilot.app))
        await shows(pilot, "✓ Taurus", "take 2")


@pytest.mark.usefixtures("labels")
async def test_what_was_open_is_open_again(daemon: FakeDaemon):
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("j")
        assert isinstance(app.screen, LabelsScreen)
        await until(pilot, lambda: app.screen.memory()["take"] == "2")
    async with opened(daemon, (160, 50)) as (_, pilot):
        await shows(pilot, "take 2", "rated explicit")


@pytest.mark.usefixtures("labels")
async def test_what_is_drawn_already_is_not_drawn_again(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch):
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries", "rated safe", "The labeler is ready.")
        await until(pilot, lambda: app.screen.query_one(Picture)._drawing)
        drawn: list[Widget] = []
        monkeypatch.setattr(Widget, "refresh", lambda widget, *_, **__: drawn.append(widget) or widget)
        assert isinstance(app.screen, LabelsScreen)
        app.screen.draw()
        assert drawn == []


@pytest.mark.usefixtures("labels")
async def test_a_theme_is_no_markup(daemon: FakeDaemon):
    batch = protocol.Batch(id=BATCH, set="zodiac", title="Zodiac", theme="[b]old[/b] [gold", slots=1)
    daemon.answers["batches"] = protocol.Batches(batches=(batch,))
    daemon.answers["batch"] = protocol.BatchDetail(batch=batch, slots=())
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "Zodiac “[b]old[/b] [gold”", "No picture of this batch is there yet.")


# ---------------------------------------------------------------- having pictures labelled


@pytest.mark.usefixtures("labels")
async def test_enter_labels_what_has_no_label_and_z_takes_it_back(daemon: FakeDaemon):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("L")
        await shows(pilot, "▸ what has no label in this batch: 1 take", "Aries alone once more", "▸ default", "/labels")
        await pilot.press("enter")
        await shows(pilot, "1 take to be labelled. z takes it back.")
        asked = daemon.last(protocol.LabelTakes)
        assert (asked.batch, asked.takes, asked.prompt, asked.force) == (BATCH, (), "default", False)
        await pilot.press("z")
        await until(pilot, lambda: daemon.count(protocol.Cancel))
        assert daemon.last(protocol.Cancel).jobs == (21,)


@pytest.mark.usefixtures("labels")
async def test_a_take_is_labelled_once_more_with_another_prompt_which_is_kept(daemon: FakeDaemon):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("L")
        await shows(pilot, "Aries alone once more")
        await pilot.press("j", "tab", "k", "enter")
        await until(pilot, lambda: daemon.count(protocol.LabelTakes))
        asked = daemon.last(protocol.LabelTakes)
        assert (asked.batch, asked.takes, asked.prompt, asked.force) == (None, (1,), "booru", True)
        await pilot.press("L")
        await shows(pilot, "▸ booru")


async def test_a_labeler_that_lacks_something_is_said_with_the_remedy(daemon: FakeDaemon, labels: Labels):
    def refused(_: object) -> protocol.Body:
        labels.checks = (NO_IMAGE,)
        raise WrongState("The image x is not there. Run: imagineer labels build.")

    daemon.answers["label"] = refused
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries")
        await pilot.press("L")
        await shows(pilot, "asked with the prompt")
        await pilot.press("enter")
        await shows(pilot, "! The image x is not there. B builds it here.")


@pytest.mark.usefixtures("labels")
async def test_c_stops_what_waits_of_the_batch_and_z_takes_that_back(daemon: FakeDaemon):
    daemon.snapshot_jobs = (label_job(11, 3), label_job(12, 1))
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "2 to come")
        await pilot.press("c")
        await shows(pilot, "2 takes will not be labelled. z takes it back.")
        assert daemon.last(protocol.Cancel).jobs == (11, 12)
        await pilot.press("z")
        await until(pilot, lambda: daemon.count(protocol.RetryJobs))
        assert daemon.last(protocol.RetryJobs).jobs == (11, 12)


async def test_the_image_is_built_and_what_the_build_says_is_seen(daemon: FakeDaemon, labels: Labels):
    labels.checks = (NO_IMAGE,)
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "! The image x is not there. B builds it here.")
        await pilot.press("B")
        await until(pilot, lambda: daemon.count(protocol.BuildLabeler))
        for line in ("Step 1/2 : FROM node", "Step 2/2 : RUN npm"):
            daemon.beside(protocol.Building(line=line))
        await shows(pilot, "The labeler's image is being built", "Step 1/2 : FROM node", "Step 2/2 : RUN npm")
        daemon.happen(protocol.LabelerBuilt(image="x", error=JobError("E_LABEL", "There is no room.")))
        await shows(pilot, "✗ There is no room. B tries again.", "Step 2/2")
        await pilot.press("B")
        daemon.beside(protocol.Building(line="Step 1/2 again"))
        await shows(pilot, "Step 1/2 again")
        labels.checks = ()
        daemon.happen(protocol.LabelerBuilt(image="x"))
        await until(pilot, lambda: "Step 1/2" not in text_of(pilot.app))


@pytest.mark.usefixtures("labels")
async def test_a_take_that_is_sent_from_elsewhere_is_asked_about_at_once(daemon: FakeDaemon):
    async with opened(daemon, (160, 50)) as (app, pilot):
        await until(pilot, lambda: app.world.connection.live)
        app.go("labels", LabelTake(BATCH, 2))
        await shows(pilot, "▸ Taurus alone once more", "✓ Aries")


# ---------------------------------------------------------------- writing labels by hand


async def test_a_label_is_corrected_by_hand_and_z_takes_that_back(daemon: FakeDaemon, labels: Labels):
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries", "rated safe")
        await pilot.press("enter")
        await shows(pilot, "enter keeps · esc leaves")
        await pilot.press("space", *"Golden", "tab", "up", "enter")
        await shows(pilot, "Aries: labelled by hand. z takes it back.")
        asked = daemon.last(protocol.EditLabel)
        assert (asked.caption, asked.rating, asked.tags) == ("A ram. Golden", "SUGGESTIVE", ("ram", "gold"))
        labels.change(1, labels.now[1])
        await shows(pilot, "rated suggestive", "by hand", "said before", "default: safe A ram.")
        await pilot.press("z")
        await until(pilot, lambda: labels.now[1] == RAM)


@pytest.mark.usefixtures("labels")
async def test_what_cannot_be_kept_stays_in_the_form_with_the_reason(daemon: FakeDaemon):
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries", "rated safe")
        await pilot.press("enter", "tab", "end", *"r", "enter")
        await shows(pilot, "! Type safe, suggestive,")
        assert not daemon.count(protocol.EditLabel)
        await pilot.press("backspace", "shift+tab", "ctrl+u", *"refuse", "enter")
        await shows(pilot, "! This caption is refused.")
        assert app.screen.query_one(LabelPanel).draft["caption"] == "refuse"


@pytest.mark.usefixtures("labels")
async def test_a_draft_that_is_left_is_there_the_next_time(daemon: FakeDaemon):
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries", "rated safe")
        await pilot.press("enter", *"!!", "escape")
        await shows(pilot, "Not kept; enter goes on with it.", "rated safe")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one(LabelPanel).draft["caption"] == "A ram.!!")


async def test_r_lets_the_labelers_own_words_count_again(daemon: FakeDaemon, labels: Labels):
    by_hand = replace(RAM, id=9, caption="Wrong.", person="1000")
    labels.said[1].append(by_hand)
    labels.put(1, by_hand)
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries", "Wrong.")
        await pilot.press("r")
        await shows(pilot, "Aries has an earlier label again. z takes it back.")
        assert labels.now[1] == RAM
        labels.change(1, RAM)
        await shows(pilot, "A ram.")
        await pilot.press("r")
        await shows(pilot, "This is what the labeler said.")


async def test_all_that_was_said_can_be_read_and_taken(daemon: FakeDaemon, labels: Labels):
    labels.said[1] += [replace(RAM, id=3, caption="An old goat."), Label(id=4, prompt="booru", answer="Hm, well.")]
    async with labels_of(daemon) as (_, pilot):
        await shows(pilot, "✓ Aries", "rated safe")
        await pilot.press("H")
        await shows(pilot, "What was said of Aries")
        await pilot.press("j")
        await shows(pilot, "not understood: Hm, well.")
        await pilot.press("enter")
        await shows(pilot, "This answer was not understood: there is no label in it.")
        await pilot.press("j")
        await shows(pilot, "An old goat.")
        await pilot.press("enter")
        await until(pilot, lambda: labels.now[1] and labels.now[1].id == 3)


# ---------------------------------------------------------------- small terminals, other screens


@pytest.mark.usefixtures("labels")
async def test_in_a_small_terminal_all_is_there_and_v_gives_the_take_the_screen(daemon: FakeDaemon):
    async with labels_of(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "✓ Aries", "2/3", "rated safe", "2 of 3 labelled", "? help", "/ filter")
        await pilot.press("v")
        await until(pilot, lambda: app.screen.query_one("#take").size.width > 70)
        await pilot.press("j")
        await shows(pilot, "take 2", "rated explicit", "enter edit")
        await pilot.press("escape")
        await shows(pilot, "✓ Aries", "2/3")


@pytest.mark.usefixtures("labels")
async def test_what_was_read_goes_to_the_clipboard(daemon: FakeDaemon):
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries", "rated safe")
        await pilot.press("y")
        await shows(pilot, "Sent the caption to the clipboard.")
        assert app.clipboard == "A ram."
        await pilot.press("Y")
        await until(pilot, lambda: app.clipboard == f"imagineer labels export {BATCH} --format kohya")


@pytest.mark.usefixtures("labels")
async def test_o_shows_the_take_in_the_gallery(daemon: FakeDaemon):
    listed = protocol.ListedTake(take=take(2), card="Taurus")
    daemon.answers["take"] = protocol.TakeDetail(about=listed, spec=spec("Taurus"), folder="/pictures")
    async with labels_of(daemon) as (app, pilot):
        await shows(pilot, "✓ Aries", "rated safe")
        await pilot.press("j", "o")
        await until(pilot, lambda: app.current_mode == "gallery")
        await shows(pilot, "take 2")


async def test_a_real_daemon_says_what_the_labeler_lacks_and_keeps_what_is_written_by_hand(house: House):
    house.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    house.with_fake_worker().start()
    with house.client() as client:
        batch = client.deal("zodiac", "gold", cards=(1, 2)).batch.id
        wait_until(lambda: client.batch(batch).batch.takes == 2)
        number = client.batch(batch).slots[0].takes[0].id
        async with opened(house.paths.runtime_dir, (160, 50)) as (app, pilot):
            await until(pilot, lambda: app.world.connection.live)
            await pilot.press("6")
            await shows(
                pilot, "0/2", "There is no docker engine at /nowhere/docker.sock. Install Docker", "No label yet"
            )

            await pilot.press("enter", *"ram", "enter")
            await shows(pilot, "Aries: labelled by hand.")
            await shows(pilot, "1 of 2 labelled", "1/2", "by hand ·")
            label = client.labels(number).labels[0]
            assert (label.caption, bool(label.person)) == ("ram", True)

            await pilot.press("z")
            await shows(pilot, "0 of 2 labelled", "0/2")
            await pilot.press("L", "enter")
            await shows(pilot, "Install Docker, or set $DOCKER_HOST.")
