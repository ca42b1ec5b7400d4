"""What a person chose, as the app takes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeDaemon
from piloting import opened, shows, until

from imagineer_tui.preferences import Preferences
from imagineer_tui.preferring import names, unknown

FILE = Path("/home/raven/tui.yaml")


def test_every_screen_and_every_widget_has_its_names() -> None:
    assert names() >= {"app.quit", "sets.deal", "gallery.export", "labels.build", "list.down", "field.leave"}


def test_names_that_there_are_not_are_told_with_the_nearest() -> None:
    nearly, not_at_all = unknown({"sets.deel": "d", "sets.deal": "D", "xyzzy": "x"}, FILE)
    assert nearly.startswith('/home/raven/tui.yaml: keys: there is no "sets.deel". Is it sets.deal? The help of each')
    assert not_at_all.startswith('/home/raven/tui.yaml: keys: there is no "xyzzy". The help of each')


@pytest.mark.parametrize("keys", [{}, {"app.quit": "Q", "queue.pause": "p"}])
def test_of_names_that_there_are_nothing_is_said(keys: dict[str, str]) -> None:
    assert not list(unknown(keys, FILE))


async def test_the_app_tells_of_them_and_takes_the_others(daemon: FakeDaemon) -> None:
    async with opened(daemon, preferences=Preferences(keys={"sets.deel": "d", "sets.random": "x"})) as (app, pilot):
        await until(pilot, lambda: any("sets.deel" in told.message for told in app._notifications))
        app.clear_notifications()  # which lie over the keys
        await shows(pilot, "about 0:24", "x random theme")
