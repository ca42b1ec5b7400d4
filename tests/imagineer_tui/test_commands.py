"""The command palette: keys once each, and places by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import mixer_scenes
import pytest
from fakes import Deck, FakeDaemon
from msgspec.structs import replace
from piloting import opened, shows, until
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineerd import protocol

Find: TypeAlias = Callable[[str, str], Awaitable[str]]


@pytest.fixture
def stocked(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    daemon.answers |= mixer_scenes.answers(daemon, deck)
    daemon.snapshot_batches = (deck.batch(),)
    return daemon


@asynccontextmanager
async def palette_of(daemon: FakeDaemon) -> AsyncIterator[tuple[ImagineerApp, Pilot[int], Find]]:
    """Open the app; `find(typed, found)` opens its palette and types until that is found."""
    async with opened(daemon, (120, 60)) as (app, pilot):
        await shows(pilot, "about 0:24")

        async def find(typed: str, found: str) -> str:
            await pilot.press("colon")
            await shows(pilot, "Search for commands")
            await pilot.press(*typed)
            return await shows(pilot, found)

        yield app, pilot, find


async def test_each_action_stands_there_once_and_moves_of_a_cursor_do_not(stocked: FakeDaemon):
    async with palette_of(stocked) as (_, pilot, find):
        await find("", "enter on this screen")

        screen = await shows(pilot, "deal", "Go to Mixer", "4 anywhere")
        assert "a page down" not in screen
        assert screen.count("to the sets") == 1


async def test_a_set_is_found_by_its_name(stocked: FakeDaemon):
    async with palette_of(stocked) as (_, pilot, find):
        await find("taro", "Set: Tarot")
        await pilot.press("enter")

        await shows(pilot, "▸ Tarot", "Tarot · 22 cards")


async def test_a_lora_is_found_by_its_name_and_put_on_a_fader(stocked: FakeDaemon):
    async with palette_of(stocked) as (_, pilot, find):
        await find("lora: ink", "LoRA: Ink")
        await pilot.press("enter")

        await shows(pilot, "Library", "0.60", "Mix · not saved")


async def test_keys_are_found_while_the_daemon_is_away(stocked: FakeDaemon):
    async with palette_of(stocked) as (app, pilot, find):
        stocked.go_away()
        await until(pilot, lambda: app.world.connection.phase == "away")
        await find("random", "random theme")
        await pilot.press("escape")

        stocked.come_back()
        await until(pilot, lambda: app.world.connection.live)
        assert not stocked.count(protocol.MakeThemes)


async def test_a_name_with_brackets_is_found_and_stands_there_as_it_is(stocked: FakeDaemon):
    odd = protocol.SetInfo(id="odd", name="[/] the [b]Odd[/b]\n\x1bset", cards=1, width=64, height=96)
    stocked.answers["sets"] = protocol.Sets(sets=(odd,))
    async with palette_of(stocked) as (_, _, find):
        await find("odd", "Set: [/] the [b]Odd[/b] set")


async def test_a_deck_that_is_older_than_the_newest_ones_is_found_by_its_name(stocked: FakeDaemon, deck: Deck):
    old = replace(deck.batch(), id="tarot_20250101_120000", title="Tarot", theme="old brass")
    stocked.answers["batches"] = protocol.Batches(batches=(deck.batch(), old))
    async with palette_of(stocked) as (_, _, find):
        await find("brass", "Deck: Tarot “old brass”")
