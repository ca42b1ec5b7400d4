"""What the screens look like: 80x24, 120x40 and 200x60 in the app's own colours, and without them."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

import mixer_scenes
import pytest
from fakes import Deck, FakeDaemon, job, spec, take
from labelled import Labels, label_job
from msgspec.structs import replace
from PIL import Image
from piloting import opened, shows, until
from snapshots import assert_is_kept
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.preferences import Preferences
from imagineer_tui.screens import TABS
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.thumbnail import Thumbnail
from imagineer_tui.widgets.titles import entitle
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


SIZES = ((80, 24), (120, 40), (200, 60))
LOOKS = (
    *(Look(size) for size in SIZES),
    *(Look(size, theme="ansi-dark") for size in SIZES),
    *(Look(size, no_color=True) for size in SIZES),
    Look((80, 24), theme="imagineer-light"),
)


@pytest.fixture(autouse=True)
def few_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another screen in the tab bar is no reason to keep all pictures anew."""
    few = tuple(entry for entry in TABS if entry.name in {"sets", "queue", "gallery"})
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


@pytest.fixture
def drawn(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """Two cards are there, one failed."""
    deck.move(3, State.FAILED, JobError("E_OOM", "Out of memory: make it smaller."))
    for number, colour in ((1, "#c08030"), (2, "#3050c0")):
        deck.finish(number)
        daemon.pictures[number] = picture(colour)
    about = protocol.ListedTake(take=take(1), card="Aries", pick=True)
    daemon.answers["take"] = protocol.TakeDetail(about=about, spec=spec(), folder="/pictures")
    return daemon


def picture(colour: str) -> bytes:
    """A card in two colours."""
    image = Image.new("RGB", (16, 24), colour)
    image.paste("#e0d0a0", (4, 6, 12, 18))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


async def test_gallery(drawn: FakeDaemon, look: Look):
    async with opened(drawn, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("5")
        await shows(pilot, "✗ Gemini", "▀▀▀▀")
        await until(pilot, lambda: drawn.count(protocol.GetTake))
        await until(pilot, lambda: not any(cell.is_drawing for cell in app.screen.query(Thumbnail)))
        await pilot.pause(0.5)

        assert_is_kept(app, f"gallery_{look}")


async def test_settings(daemon: FakeDaemon, look: Look):
    values = {"generation": {"width": 512, "steps": 30, "scheduler": "dpm++"}, "hardware": {"device": "auto"}}
    daemon.answers["config"] = protocol.Config(values=values, file="/etc/imagineer.yaml")
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("f2")
        await shows(pilot, "── generation ──", "divisible by 8")
        await pilot.pause(0.1)

        assert_is_kept(app, f"settings_{look}")


async def test_log(daemon: FakeDaemon, look: Look):
    log = daemon.ctl.parent / "data" / "imagineerd.log"
    log.parent.mkdir(exist_ok=True)
    levels = ("INFO imagineerd: Ready.", "WARNING imagineerd: The disk fills up.", "ERROR imagineerd: It is full.")
    log.write_text("".join(f"2026-11-22 16:41:5{at},000 {level}\n" for at, level in enumerate(levels)))
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("f3")
        await shows(pilot, "It is full.")
        entitle(app.screen.query_one("#log"), "Log", "imagineerd.log")
        await pilot.pause(0.1)

        assert_is_kept(app, f"log_{look}")


async def test_help(daemon: FakeDaemon, look: Look):
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("question_mark")
        await shows(pilot, "sets.theme")
        await pilot.pause(0.1)

        assert_is_kept(app, f"help_{look}")


async def test_the_first_deck_is_waited_for(daemon: FakeDaemon, deck: Deck, look: Look):
    daemon.worker = protocol.Worker(phase="starting")
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: daemon.count(protocol.Deal))
        daemon.happen(protocol.BatchAdded(batch=deck.batch(), jobs=(1, 2, 3)))
        await shows(pilot, "the worker starts …", "3 to come", "3 queued")
        await pilot.pause(0.3)

        assert_is_kept(app, f"first_{look}")


async def test_mixer(daemon: FakeDaemon, deck: Deck, look: Look):
    daemon.answers |= mixer_scenes.answers(daemon, deck)
    daemon.pictures |= {1: mixer_scenes.picture("firebrick"), 2: mixer_scenes.picture("teal")}
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("3")
        await shows(pilot, "▸ Ink", "── mixes ──")
        await pilot.press("p", *"fox", "escape", "escape", "enter", "escape")
        await until(pilot, lambda: daemon.count(protocol.Generate))
        daemon.happen(deck.finish(1))
        await shows(pilot, "Ink 0.6")
        await pilot.press("right")
        await until(pilot, lambda: daemon.count(protocol.Generate) == 2)
        daemon.happen(deck.finish(2))
        await shows(pilot, "before · Ink 0.6")
        await until(pilot, lambda: all(picture._drawing for picture in app.screen.query(Picture)))
        await pilot.press("escape", "j", "j")
        await shows(pilot, "trained for SDXL", "1 queued")
        await until(pilot, lambda: not app.world.stale)
        await pilot.pause(0.3)

        assert_is_kept(app, f"mixer_{look}")


async def test_compose(daemon: FakeDaemon, deck: Deck, look: Look):
    daemon.answers |= mixer_scenes.answers(daemon, deck)
    daemon.answers["plan_prompt"] = lambda request: mixer_scenes.planned(request, cut=" in the snow")
    daemon.pictures[1] = mixer_scenes.picture("firebrick")
    async with opened(daemon, look.size, preferred(look)) as (app, pilot):
        await settled(app, pilot)
        await pilot.press("2")
        await shows(pilot, "enter in the form draws")
        await pilot.press("p", *"fox", "space", *"in", "space", *"the", "space", *"snow")
        await shows(pilot, "80/77!", "the model reads 77")
        await pilot.press("enter")
        await until(pilot, lambda: daemon.count(protocol.Generate))
        daemon.happen(protocol.BatchAdded(batch=deck.batch(), jobs=(1, 2, 3)), deck.finish(1))
        await pilot.press("escape")
        await shows(pilot, "2 to come", "◌ queued", "seed 4711")
        await until(pilot, lambda: app.screen.query_one(Picture)._drawing or not app.screen.query_one(Picture).size)
        await until(pilot, lambda: not any(cell.is_drawing for cell in app.screen.query(Thumbnail)))
        await pilot.pause(0.3)

        assert_is_kept(app, f"compose_{look}")


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
