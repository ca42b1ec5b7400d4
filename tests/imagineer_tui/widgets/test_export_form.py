"""`e` in the Gallery: the form that writes a deck into a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes import BATCH, Deck, FakeDaemon, spec, take
from house import House, drawn
from msgspec.structs import replace
from piloting import opened, shows, until
from textual.pilot import Pilot

from imagineer_tui.app import ImagineerApp
from imagineer_tui.widgets.form_line import FormLine
from imagineerd import protocol

PICTURES = f"{BATCH}_pictures"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app was started from."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dealt(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """Two of three cards have a picture."""
    for number in (1, 2):
        deck.finish(number)
        daemon.pictures[number] = b"picture %d" % number
    about = protocol.ListedTake(take=take(1), card="Aries", pick=True)
    daemon.answers["take"] = protocol.TakeDetail(about=about, spec=spec(), folder="/pictures")
    return daemon


@asynccontextmanager
async def exporting(
    daemon: FakeDaemon, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[ImagineerApp, Pilot[int]]]:
    """Press `e` on the newest deck."""
    async with opened(daemon, size) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("5")
        await shows(pilot, "Aries")
        await pilot.press("e")
        await shows(pilot, "Export Zodiac “gold on black”")
        yield app, pilot


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


async def test_enter_writes_the_picks_and_it_is_said_where_they_are(dealt: FakeDaemon, here: Path):
    async with exporting(dealt, (160, 40)) as (_, pilot):
        await shows(pilot, "the pick of each card: 2, 18 B", "nothing of it is labelled yet")
        await pilot.press("enter")
        await shows(pilot, "Exported", "2 takes (18 B) written to")

    assert contents(here / PICTURES) == {"01.png": "picture 1", "02.png": "picture 2"}


async def test_another_format_offers_another_folder(dealt: FakeDaemon, deck: Deck, here: Path):
    label = protocol.Label(id=5, caption="A ram.", rating="SAFE")
    aries, *others = deck.detail().slots
    labelled = replace(aries, takes=(replace(take(1), label=label),))
    dealt.answers["batch"] = replace(deck.detail(), slots=(labelled, *others))
    async with exporting(dealt) as (_, pilot):
        await shows(pilot, "captions beside it: 1, 9 B")
        await pilot.press("j")
        await until(pilot, lambda: pilot.app.screen.query_one(FormLine).value.endswith(f"{BATCH}_kohya"))
        await pilot.press("enter")
        await shows(pilot, "Exported", "1 take (16 B) written")

    assert contents(here / f"{BATCH}_kohya") == {"01.png": "picture 1", "01.txt": "A ram.\n"}


async def test_a_folder_that_was_typed_stays_and_what_lies_there_is_not_overwritten(dealt: FakeDaemon, here: Path):
    (here / "deck").mkdir()
    (here / "deck" / "02.png").write_text("mine")
    async with exporting(dealt) as (_, pilot):
        await pilot.press("tab", "ctrl+u", *"deck", "enter")
        await shows(pilot, "02.png is", "another folder.")
        assert contents(here / "deck") == {"02.png": "mine"}

        await pilot.press("2", "enter")
        await shows(pilot, "2 takes (18 B) written")

    assert contents(here / "deck2") == {"01.png": "picture 1", "02.png": "picture 2"}


async def test_what_was_not_labelled_says_what_to_do(dealt: FakeDaemon, here: Path):
    async with exporting(dealt) as (_, pilot):
        await pilot.press("j", "enter")
        await shows(pilot, "! No take of", "labelled first")

    assert contents(here) == {}


async def test_escape_while_pictures_come_leaves_nothing_behind(dealt: FakeDaemon, here: Path):
    async with exporting(dealt) as (app, pilot):
        dealt.hold("blob_stat")
        await pilot.press("enter")
        await shows(pilot, "0 of 2 files written")
        await until(pilot, (here / PICTURES).exists)
        await pilot.press("escape")
        await until(pilot, lambda: not (here / PICTURES).exists())

        assert len(app.screen_stack) == 1
        dealt.release()


async def test_the_reason_why_a_picture_does_not_come_stands_in_the_form(dealt: FakeDaemon, here: Path):
    async with exporting(dealt) as (_, pilot):
        del dealt.pictures[2]
        await pilot.press("enter")
        await shows(pilot, "! There is no take 2.", "writes it")

    assert contents(here) == {}


async def test_without_a_deck_there_is_nothing_to_export(daemon: FakeDaemon):
    daemon.answers["batches"] = protocol.Batches(batches=())
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("5")
        await shows(pilot, "No decks yet.")
        await pilot.press("e")
        await shows(pilot, "There is no deck to export")


async def test_a_deck_of_a_real_daemon_is_exported_as_it_is(house: House, here: Path):
    house.with_fake_worker().start()
    with house.client() as client:
        batch = drawn(client, client.deal("zodiac", "fog").batch.id)
        pictures = {take.file: client.picture(take.id) for slot in batch.slots for take in slot.takes}
    async with opened(house.root / "run", (120, 40)) as (_, pilot):
        await until(pilot, lambda: pilot.app.world.connection.live)  # type: ignore[attr-defined]  # it is ours
        await pilot.press("5")
        await shows(pilot, "12 takes")
        await pilot.press("e")
        await shows(pilot, "the pick of each card: 12")
        await pilot.press("enter")
        await shows(pilot, "12 takes (")

    folder = here / f"{batch.batch.id}_pictures"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == pictures
