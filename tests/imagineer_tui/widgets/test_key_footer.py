"""The last line is as long as the screen is wide, so that nothing of a longer one stays behind it."""

from __future__ import annotations

import pytest
from fakes import FakeDaemon
from piloting import opened, shows

from imagineer_tui.widgets.key_footer import KeyFooter


@pytest.mark.parametrize("screen", ["1", "3", "4", "5"])
async def test_it_fills_its_line(daemon: FakeDaemon, screen: str):
    async with opened(daemon, size=(80, 24)) as (app, pilot):
        await shows(pilot, "deal  t theme")
        await pilot.press(screen)
        await pilot.pause()

        strip = app.screen.query_one(KeyFooter).render_line(0)

        assert len(strip.text) == strip.cell_length
