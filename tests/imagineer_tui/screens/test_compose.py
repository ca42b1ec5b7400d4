"""The Compose screen with a fake daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes import BATCH, Deck, FakeDaemon, spec, take
from mixer_scenes import answers, planned
from msgspec import structs
from piloting import WIDE, opened, shows, text_of, until
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.intents import UseSettings
from imagineer_tui.model.compose import FIELDS
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.prompt_plan import PromptPlan
from imagineer_tui.widgets.text_field import TextField
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineerd import protocol
from imagineerd.errors import Invalid
from imagineerd.jobs import LoraWeight, State


@pytest.fixture
def composing(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """A daemon whose model has two native sizes, and that knows take 1."""
    settings = protocol.Settings(width=64, height=96, steps=4, seed=4711, mix=(LoraWeight("Ink", 0.6),))
    daemon.answers |= answers(daemon, deck) | {
        "generate": lambda _: deck.dealt(1, 2, 3),
        "take": protocol.TakeDetail(
            about=protocol.ListedTake(take=take(1), card="Aries"), spec=spec(), settings=settings
        ),
    }
    return daemon


def struck(app: ImagineerApp) -> str:
    """Return what is struck through in the prompt."""
    line = app.screen.query_one(TextField).get_line(0)
    return "".join(line.plain[span.start : span.end] for span in line.spans)


@asynccontextmanager
async def compose_of(daemon: FakeDaemon, size: tuple[int, int] = WIDE) -> AsyncIterator[tuple[ImagineerApp, Pilot]]:
    async with opened(daemon, size) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("2")
        await shows(pilot, "Prompt", "64x96 portrait")
        yield app, pilot


async def typed(pilot: Pilot, text: str) -> None:
    """Type into the prompt."""
    await pilot.press("p", *("space" if letter == " " else letter for letter in text))


async def test_enter_draws_the_prompt_with_what_the_fields_say(composing: FakeDaemon):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "a red fox")
        await pilot.press("tab", "tab", "up")
        await shows(pilot, "64x96 ")
        await pilot.press("tab", "8", "enter")

        await until(pilot, lambda: composing.count(protocol.Generate))
        asked = composing.last(protocol.Generate)
        assert (asked.prompt, asked.n) == ("a red fox", None)
        assert asked.settings == protocol.Settings(width=64, height=96, steps=8)


async def test_a_range_is_shown_and_a_value_outside_is_told_as_it_is_typed(composing: FakeDaemon):
    async with compose_of(composing) as (_, pilot):
        await shows(pilot, "1 to 150")
        await typed(pilot, "fox")

        await pilot.press("tab", "tab", "tab", *"151")
        await shows(pilot, "! 151 is not within 1 to 150.")
        await pilot.press("enter", "backspace")

        await until(pilot, lambda: "is not within" not in text_of(pilot.app))
        assert not composing.count(protocol.Generate)


async def test_without_a_prompt_it_goes_to_the_prompt(composing: FakeDaemon):
    async with compose_of(composing) as (app, pilot):
        await pilot.press("d")

        await shows(pilot, "! Say what to draw.")
        assert isinstance(app.focused, TextField)


async def test_what_the_daemon_refuses_is_told_at_the_field(composing: FakeDaemon):
    sentence = "There is no LoRA “Inc”: did you mean “Ink”?"

    def refuse(_: protocol.Generate) -> protocol.Body:
        raise Invalid(message=sentence, field="$.settings.mix[0].name")

    composing.answers["generate"] = refuse
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")
        await pilot.press("enter")

        await shows(pilot, f"! {sentence}")


async def test_how_much_the_model_reads_is_told_as_it_is_typed(composing: FakeDaemon):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "a red fox")

        await shows(pilot, "5/77", "64x96 · 4 steps · Ink 0.6", "about 0:02", "was never taught")
        await until(pilot, lambda: composing.last(protocol.PlanPrompt).prompt == "a red fox")
        asked = composing.last(protocol.PlanPrompt)
        assert (asked.n, asked.settings) == (None, protocol.Settings())


async def test_what_the_model_does_not_read_is_struck_through(composing: FakeDaemon):
    composing.answers["plan_prompt"] = lambda request: planned(request, cut=" fox")
    async with compose_of(composing) as (app, pilot):
        await typed(pilot, "a red fox")
        await shows(pilot, "80/77!")

        await until(pilot, lambda: struck(app) == " fox")
        await pilot.press(*["backspace"] * 4)
        composing.answers["plan_prompt"] = planned

        await until(pilot, lambda: struck(app) == "")


async def test_a_long_warning_says_that_it_goes_on_and_is_longer_where_there_is_more_room(composing: FakeDaemon):
    unknown = "Never taught: " + ", ".join(f"word{number}" for number in range(60))
    composing.answers["plan_prompt"] = lambda request: structs.replace(planned(request), warnings=(unknown,))
    async with compose_of(composing) as (app, pilot):
        await typed(pilot, "fox")
        await shows(pilot, "! Never taught", " …")
        assert app.screen.query_one(PromptPlan).size.height == 4, "two lines of how it is drawn, and two"
        assert "word12" not in text_of(app)

        await pilot.resize_terminal(200, 60)

        await shows(pilot, "word12")
        assert app.screen.query_one(PromptPlan).size.height == 3


async def test_what_the_daemon_would_refuse_is_told_as_it_is_typed(composing: FakeDaemon):
    def refuse(_: protocol.PlanPrompt) -> protocol.Body:
        raise Invalid(message="There is no LoRA “Inc”.", field="$.settings.mix[0].name")

    composing.answers["plan_prompt"] = refuse
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")

        await shows(pilot, "! There is no LoRA “Inc”.")
        assert not composing.count(protocol.Generate)


async def test_the_takes_land_beside_the_form(composing: FakeDaemon, deck: Deck):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")
        await pilot.press("enter")
        await until(pilot, lambda: composing.count(protocol.Generate))

        composing.happen(protocol.BatchAdded(batch=deck.batch(), jobs=(1, 2, 3)))
        await shows(pilot, "◌ queued", "3 to come")
        composing.happen(deck.move(2, State.RUNNING), deck.finish(1))

        await shows(pilot, "seed 4711", "◌ running", "2 to come")


async def test_a_take_brings_its_settings(composing: FakeDaemon):
    async with compose_of(composing) as (app, pilot):
        app.go("compose", UseSettings(1))

        await shows(pilot, "Aries, gold on black", "Ink:0.6", "4711")
        await pilot.press("z")

        await until(pilot, lambda: "Aries, gold on black" not in text_of(app))


async def test_what_was_typed_since_is_not_lost_to_an_undo(composing: FakeDaemon):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")
        await pilot.press("escape", "x", "p", *"owl", "escape", "z")
        await shows(pilot, "fox", "Replaced what was typed since. z takes it back.")

        await pilot.press("z")

        await shows(pilot, "owl")


async def test_the_seed_is_locked_and_let_go(composing: FakeDaemon):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")
        await pilot.press("escape", "s", "d")
        await until(pilot, lambda: composing.count(protocol.Generate))
        assert composing.last(protocol.Generate).settings.seed is not None

        await pilot.press("s", "d")

        await until(pilot, lambda: composing.count(protocol.Generate) == 2)
        assert composing.last(protocol.Generate).settings.seed is None


async def test_a_native_size_is_one_key_away(composing: FakeDaemon):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")
        await pilot.press("escape", "a", "a", "d")

        await until(pilot, lambda: composing.count(protocol.Generate))
        asked = composing.last(protocol.Generate).settings
        assert (asked.width, asked.height) == (64, 64)


async def test_c_cancels_what_is_to_come(composing: FakeDaemon, deck: Deck):
    composing.answers["cancel"] = protocol.Cancelled(cancelled=(1, 2, 3))
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "fox")
        await pilot.press("enter", "escape")
        await until(pilot, lambda: composing.count(protocol.Generate))
        composing.happen(protocol.BatchAdded(batch=deck.batch(), jobs=(1, 2, 3)))
        await shows(pilot, "3 to come")

        await pilot.press("c")

        await shows(pilot, "Cancelled 3 takes. z takes it back.")
        assert set(composing.last(protocol.Cancel).jobs) == {1, 2, 3}


async def test_the_draft_and_the_pictures_are_there_in_the_next_run(composing: FakeDaemon, deck: Deck):
    async with compose_of(composing) as (_, pilot):
        await typed(pilot, "a red fox")
        await pilot.press("enter")
        await until(pilot, lambda: composing.count(protocol.Generate))
    deck.finish(1)

    async with opened(composing) as (_, pilot):
        await shows(pilot, "a red fox", "seed 4711")
        assert composing.last(protocol.GetBatch).batch == BATCH


async def test_every_field_can_be_reached_at_80x24(composing: FakeDaemon):
    async with compose_of(composing, (80, 24)) as (app, pilot):
        await pilot.press("p")
        for _ in FIELDS:
            assert app.focused is not None
            assert app.screen.find_widget(app.focused).clip.contains_region(app.focused.region)
            await pilot.press("tab")


@pytest.mark.parametrize("columns", [120, 200])
async def test_in_a_wide_terminal_a_large_picture_stands_above_the_small_ones(composing: FakeDaemon, columns: int):
    async with compose_of(composing, (columns, 40)) as (app, _):
        assert app.screen.query_one(Picture).size.height > app.screen.query_one(Thumbnails).size.height
