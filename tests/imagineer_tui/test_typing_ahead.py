"""Keys that come all at once, as they do over a slow line, do what they do one by one."""

from __future__ import annotations

import mixer_scenes
from fakes import Deck, FakeDaemon
from piloting import opened, shows, until
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from imagineer_tui.typing_ahead import KeysInTurn
from imagineer_tui.widgets.library_rows import LibraryRows
from imagineerd import protocol


def at_once(pilot: Pilot, *keys: str) -> None:
    """Send keys without waiting for what they do."""
    driver = pilot.app._driver
    assert driver is not None
    for key in keys:
        single = len(key) == 1
        driver.send_message(Key(_character_to_key(key) if single else key, key if single else None))


async def test_what_is_typed_right_behind_the_key_of_a_field_goes_into_the_field(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        at_once(pilot, "t", *"red lights", "enter")

        await shows(pilot, "zodiac card, red lights, Aries")
        assert app.screen.query_one("#theme", Input).value == "red lights"
        assert not daemon.count(protocol.Deal)
        assert not daemon.count(protocol.MakeThemes)


async def test_keys_behind_that_of_a_screen_belong_to_the_screen(daemon: FakeDaemon, deck: Deck):
    daemon.answers |= mixer_scenes.answers(daemon, deck)
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        at_once(pilot, "3", "slash", *"neon", "enter", "j", "k")

        await until(pilot, lambda: [rows.keys for rows in app.screen.query(LibraryRows)] == [["lora:neon"]])


async def test_keys_behind_that_of_a_form_go_into_the_form_though_the_daemon_is_slow(daemon: FakeDaemon):
    daemon.hold("loras")
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        at_once(pilot, "s", *"Ink:1", "tab", "7", "enter")

        await shows(pilot, "seed 7")
        assert not daemon.count(protocol.Deal)


async def test_a_widget_that_is_gone_stops_no_keys(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")
        focused = app.focused
        assert focused

        at_once(pilot, "j", "j")
        focused.remove()
        at_once(pilot, "question_mark")

        await shows(pilot, "Enter deals the whole set")


async def test_keys_behind_the_one_that_leaves_do_nothing_to_the_end(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        at_once(pilot, "ctrl+q", *"jkjkjk")

        await until(pilot, lambda: not app.is_running)


async def test_a_key_that_comes_back_when_all_screens_are_closed_is_dropped():
    app = KeysInTurn[None]()
    key = Key("j", "j")
    key._set_forwarded()

    await app.on_event(key)

    assert app.screen_stack == []
