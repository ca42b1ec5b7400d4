"""The command palette: keys once each, and places by their names."""

from __future__ import annotations

import mixer_scenes
import pytest
from fakes import Deck, FakeDaemon
from piloting import opened, shows, until
from textual.pilot import Pilot

from imagineerd import protocol


@pytest.fixture
def stocked(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    daemon.answers |= mixer_scenes.answers(daemon, deck)
    daemon.snapshot_batches = (deck.batch(),)
    return daemon


async def choose(pilot: Pilot, *words: str) -> None:
    """Type into the palette until it finds that, and take it."""
    await pilot.press("colon")
    await shows(pilot, "Search for commands")
    await pilot.press(*"".join(words))


async def test_each_action_stands_there_once_and_moves_of_a_cursor_do_not(stocked: FakeDaemon):
    async with opened(stocked, (120, 60)) as (_, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("colon")

        screen = await shows(pilot, "deal", "enter on this screen", "Go to Mixer", "how the daemon is", "F4 anywhere")
        assert "a page down" not in screen
        assert screen.count("to the sets") == 1


async def test_a_set_is_found_by_its_name(stocked: FakeDaemon):
    async with opened(stocked) as (_, pilot):
        await shows(pilot, "about 0:24")
        await choose(pilot, "taro")
        await shows(pilot, "Set: Tarot")
        await pilot.press("enter")

        await shows(pilot, "▸ Tarot", "Tarot · 22 cards")


async def test_a_lora_is_found_by_its_name_and_put_on_a_fader(stocked: FakeDaemon):
    async with opened(stocked) as (_, pilot):
        await shows(pilot, "about 0:24")
        await choose(pilot, "lora: ink")
        await shows(pilot, "LoRA: Ink")
        await pilot.press("enter")

        await shows(pilot, "Library", "0.60", "Mix · not saved")


async def test_keys_are_found_while_the_daemon_is_away(stocked: FakeDaemon):
    async with opened(stocked) as (app, pilot):
        await shows(pilot, "about 0:24")
        stocked.go_away()
        await until(pilot, lambda: app.world.connection.phase == "away")
        await choose(pilot, "random")
        await shows(pilot, "random theme")
        await pilot.press("escape")

        stocked.come_back()
        await until(pilot, lambda: app.world.connection.live)
        assert not stocked.count(protocol.MakeThemes)
