"""The Settings screen with a fake daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fakes import FakeDaemon
from piloting import opened, shows, text_of, until
from textual.pilot import Pilot

from imagineerd import protocol
from imagineerd.errors import Invalid

VALUES: dict[str, dict[str, Any]] = {
    "generation": {"width": 512, "steps": 30, "scheduler": "dpm++"},
    "hardware": {"device": "auto", "mixed_precision": True},
}


@pytest.fixture
def configured(daemon: FakeDaemon) -> FakeDaemon:
    daemon.answers["config"] = protocol.Config(values=VALUES, file="/etc/imagineer.yaml")
    daemon.answers["config_set"] = lambda _: protocol.Config(
        values={**VALUES, "generation": {**VALUES["generation"], "steps": 12}}, file="/etc/imagineer.yaml"
    )
    return daemon


@asynccontextmanager
async def settings_of(daemon: FakeDaemon) -> AsyncIterator[Pilot]:
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "▸ Zodiac")
        await pilot.press("f2")
        await shows(pilot, "── generation ──")
        yield pilot


async def test_it_shows_all_settings_and_marks_what_is_not_the_default(configured: FakeDaemon):
    async with settings_of(configured) as pilot:
        await shows(pilot, "• steps", "▸   width", "── hardware ──", "/etc/imagineer.yaml", "divisible by 8")


async def test_a_typed_value_is_written_and_z_takes_it_back(configured: FakeDaemon):
    async with settings_of(configured) as pilot:
        await pilot.press("j", "enter")
        await shows(pilot, "esc leave")
        await pilot.press("1", "2", "enter")

        await shows(pilot, "generation.steps is 12 now. z takes it back.")
        asked = configured.last(protocol.SetConfig)
        assert (asked.key, asked.value) == ("generation.steps", "12")
        await pilot.press("z")

        await until(pilot, lambda: configured.count(protocol.SetConfig) == 2)
        assert configured.last(protocol.SetConfig).value == "30"


async def test_a_second_click_opens_the_field(configured: FakeDaemon):
    async with settings_of(configured) as pilot:
        await pilot.click("#settings", offset=(4, 2), times=2)
        await shows(pilot, "▸ • steps", "esc leave")


async def test_a_wrong_value_stays_in_the_field_with_what_is_wrong(configured: FakeDaemon):
    def refuse(_: object) -> protocol.Body:
        raise Invalid(message="Expected a whole number from 1 to 150, not 999.")

    configured.answers["config_set"] = refuse
    async with settings_of(configured) as pilot:
        await pilot.press("j", "enter", "9", "9", "9", "enter")

        await shows(pilot, "│ ! Expected a whole number from 1 to 150, not 999.", "│999", "│ Takes a whole number")
        await pilot.press("escape")
        await until(pilot, lambda: "not 999" not in text_of(pilot.app))


async def test_in_the_field_a_slash_is_a_letter_and_no_key(configured: FakeDaemon):
    async with settings_of(configured) as pilot:
        assert "/ filter" in text_of(pilot.app)

        await pilot.press("enter", "slash")

        await shows(pilot, "│/", "esc leave")
        assert "/ filter" not in text_of(pilot.app)


async def test_a_choice_and_a_switch_go_to_the_next_value(configured: FakeDaemon):
    async with settings_of(configured) as pilot:
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: configured.count(protocol.SetConfig))
        assert configured.last(protocol.SetConfig).value == '"dpm++-sde"'

        await pilot.press("G", "enter")

        await until(pilot, lambda: configured.count(protocol.SetConfig) == 2)
        assert configured.last(protocol.SetConfig).value == "false"


async def test_d_goes_back_to_the_default(configured: FakeDaemon):
    async with settings_of(configured) as pilot:
        await pilot.press("j", "d")

        await until(pilot, lambda: configured.count(protocol.SetConfig))
        assert configured.last(protocol.SetConfig).value is None
