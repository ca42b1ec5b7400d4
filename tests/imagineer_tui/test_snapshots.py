"""What the screens look like: 80x24, 120x40 and 200x60 in the app's own colours, and without them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fakes import Deck, FakeDaemon, job
from labelled import Labels, label_job
from msgspec.structs import replace
from piloting import opened, shows, until
from snapshots import assert_is_kept
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.preferences import Preferences
from imagineer_tui.screens import TABS
from imagineer_tui.widgets.picture import Picture
from imagineerd import protocol
from imagineerd.jobs import JobError, State

TAROT = "tarot_20261122_130000"


@dataclass(frozen=True)
class Look:
    """A size and colours."""

    size: tuple[int, int]
    theme: str = ""
    no_color: bool = False

    def __str__(self) -> str:
        colours = "no_color" if self.no_color else self.theme or "dark"
        return f"{self.size[0]}x{self.size[1]}_{colours}"


LOOKS = (
    Look((80, 24)),
    Look((120, 40)),
    Look((200, 60)),
    Look((120, 40), theme="ansi-dark"),
    Look((80, 24), theme="imagineer-light"),
    Look((120, 40), no_color=True),
)


@pytest.fixture(autouse=True)
def few_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another screen in the tab bar is no reason to keep all pictures anew."""
    few = tuple(entry for entry in TABS if entry.name in {"sets", "queue"})
    monkeypatch.setattr("imagineer_tui.framed.TABS", few)


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are those of Greenwich, wherever the pictures are compared."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    if request.param.no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    return request.param


@pytest.fixture
def busy(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    deck.move(1, State.RUNNING)
    failed = replace(job(9, State.FAILED, error=JobError("E_OOM", "Out of memory: make it smaller.")), batch=TAROT)
    tarot = protocol.Batch(
        id=TAROT, set="tarot", title="Tarot", theme="gothic", slots=2, states={"done": 1, "failed": 1}
    )
    daemon.snapshot_jobs, daemon.snapshot_batches = tuple(deck.jobs.values()), (deck.batch(), tarot)
    daemon.answers["jobs"] = protocol.Jobs(jobs=(failed,))
    return daemon


async def settled(app: ImagineerApp, pilot: Pilot[int]) -> None:
    """Wait for all that comes by itself."""
    await shows(pilot, "about 0:24")
    await until(pilot, lambda: app.world.status)
    await pilot.pause(0.1)


def preferred(look: Look) -> Preferences:
    return Preferences(theme=look.theme)


async def test_sets(daemon: FakeDaemon, look: Look):
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)

        assert_is_kept(app, f"sets_{look}")


async def test_queue(busy: FakeDaemon, look: Look):
    async with opened(busy, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("4")
        await shows(pilot, "✗ Gemini", "begins")
        await pilot.pause(0.1)

        assert_is_kept(app, f"queue_{look}")


async def test_labels(daemon: FakeDaemon, look: Look):
    labels = Labels(daemon)
    labels.said[1].append(protocol.Label(id=3, prompt="default", answer="I would rather talk about the weather."))
    daemon.snapshot_jobs, daemon.snapshot_batches = (label_job(11, 3, State.RUNNING),), (labels.batch(),)
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("6")
        await shows(pilot, "rated safe", "said before", "1 picture with the labeler")
        await until(pilot, lambda: app.screen.query_one(Picture)._drawing)
        await pilot.pause(0.1)

        assert_is_kept(app, f"labels_{look}")


async def test_away(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch):
    old = "imagineerd does not answer any more. What you see is 12 s old. Trying again in 4 s."
    monkeypatch.setattr(
        "imagineer_tui.framed.sentence", lambda connection, _: old if connection.phase == "away" else ""
    )
    async with opened(daemon, (80, 24)) as (app, pilot):
        await settled(app, pilot)
        daemon.go_away()
        await shows(pilot, "What you see is 12 s old.", "○ away")
        await pilot.pause(0.1)

        assert_is_kept(app, "away_80x24_dark")
