"""The app as a whole: what stands around every screen, and a daemon that comes, goes and talks rubbish."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import Deck, FakeDaemon, job
from house import ROOT, House
from piloting import answers, environ_of, opened, shows, status, text_of, until

from imagineer_tui.app import ImagineerApp
from imagineer_tui.framed import Framed
from imagineer_tui.preferences import Preferences
from imagineerd import protocol
from imagineerd.jobs import State

HEAVY = ("torch", "docker", "numpy", "PIL", "zmq", "yaml", "imagineerd.protocol")


def test_nothing_that_takes_time_is_loaded_before_the_first_paint(folder: Path):
    code = f"""
import asyncio, sys
from imagineer_tui.opening import open_app
from imagineer_tui.app import ImagineerApp

class Watched(ImagineerApp):
    def follow(self):
        print(self.screen.NAME, *[name for name in {HEAVY} if name in sys.modules])

async def main():
    async with Watched({environ_of(folder)}).run_test() as pilot:
        await pilot.pause()

asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["sets"]


# ---------------------------------------------------------------- a daemon that comes and goes


async def test_without_a_daemon_it_says_so_and_offers_to_start_one(folder: Path):
    async with opened(folder) as (_, pilot):
        await shows(pilot, "No imagineerd answers", "F5 starts it.", "○ away", "? help")


async def test_a_daemon_that_comes_is_found_without_a_restart(folder: Path):
    async with opened(folder) as (app, pilot):
        await shows(pilot, "No imagineerd answers")
        with FakeDaemon(folder, answers()):
            await shows(pilot, "▸ Zodiac", "about 0:24", "61 GB free")
            assert "F5 starts it" not in text_of(app)


async def test_what_was_known_stays_while_the_daemon_is_away(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        daemon.go_away()
        screen = await shows(pilot, "imagineerd does not answer any more. What you see is", "s old")
        assert "▸ Zodiac" in screen
        assert "Aries in the sky" in screen
        daemon.come_back()

        await until(pilot, lambda: app.world.connection.live)
        await until(pilot, lambda: "does not answer" not in text_of(app))


async def test_it_asks_anew_when_the_daemon_is_back(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")
        daemon.answers["sets"] = protocol.Sets(sets=(protocol.SetInfo(id="zodiac", name="Stars", cards=3),))

        daemon.restart(epoch="e2")

        await shows(pilot, "▸ Stars")


async def test_rubbish_is_survived(daemon: FakeDaemon):
    daemon.mood = "rubbish"
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "What answers is no imagineerd that this client understands")

        daemon.mood = "fine"

        await shows(pilot, "▸ Zodiac")


async def test_a_slow_daemon_freezes_nothing(daemon: FakeDaemon):
    daemon.hold("plan")
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "▸ Zodiac")
        await until(pilot, lambda: daemon.count(protocol.PlanDeal))

        await pilot.press("question_mark")

        await shows(pilot, "Enter deals the whole set")
        await pilot.press("escape")
        daemon.release()
        await shows(pilot, "about 0:24")


async def test_an_error_of_the_daemon_is_a_toast(daemon: FakeDaemon):
    daemon.answers["themes"] = protocol.Error(code="E_INTERNAL", message="No idea today.")
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("r")

        await shows(pilot, "No idea today.")


# ---------------------------------------------------------------- the frame


async def test_the_status_line_follows_the_worker_and_the_queue(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "starter · idle · 0 queued · 61 GB free")

        daemon.beside(protocol.Worker(phase="working", device="cuda:0", memory_used=2 * 10**9, memory_total=24 * 10**9))

        await shows(pilot, "cuda:0 · 2.0/24.0 GB · drawing")


async def test_the_status_is_asked_for_again_when_jobs_move(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs = (job(1),)
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "3 queued · 61 GB free")
        daemon.answers["status"] = status(disk_free=7 * 10**9)

        daemon.happen(deck.move(1, State.RUNNING))

        await shows(pilot, "7 GB free")


async def test_a_finished_deck_is_told(daemon: FakeDaemon, deck: Deck):
    daemon.snapshot_jobs, daemon.snapshot_batches = (job(1),), (deck.batch(),)
    async with opened(daemon) as (app, pilot):
        await until(pilot, lambda: app.world.jobs)

        daemon.happen(deck.finish(1))

        await shows(pilot, "Zodiac is finished")


async def test_help_tells_the_keys_of_the_screen_and_of_the_app(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("question_mark")
        await shows(pilot, "─ Sets ─", "random theme", "sets.random", "to the cards", "Everywhere", "start the daemon")
        await pilot.press("escape")

        assert isinstance(app.screen, Framed)


@pytest.mark.parametrize("tab", ["3", "5"])
async def test_at_80_columns_every_key_in_the_help_has_one_line(daemon: FakeDaemon, tab: str):
    async with opened(daemon, (80, 24)) as (app, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press(tab, "question_mark")
        await until(pilot, lambda: app.screen.query("HelpScreen Static"))
        await pilot.pause()
        for keys in list(app.screen.query("HelpScreen Static"))[1:]:
            assert keys.size.height == len(str(keys.content).splitlines())


async def test_help_tells_how_to_go_about_among_pictures(daemon: FakeDaemon):
    async with opened(daemon, (120, 60)) as (_, pilot):
        await shows(pilot, "about 0:24")
        await pilot.press("5", "question_mark")
        await shows(pilot, "In a list, or among pictures", "list.left", "list.up")


async def test_every_key_is_a_command_too(daemon: FakeDaemon):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")

        await pilot.press("colon")
        await shows(pilot, "Search for commands")
        await pilot.press(*"random", "enter")

        await until(pilot, lambda: daemon.count(protocol.MakeThemes))
        assert isinstance(app.screen, Framed)


async def test_the_footer_has_help_first_and_eight_keys_at_most(daemon: FakeDaemon):
    for width in (60, 80, 120, 200):
        async with opened(daemon, (width, 24)) as (_, pilot):
            footer = (await shows(pilot, "Zodiac", "? help")).splitlines()[-1]
            assert footer.startswith(" ? help  enter deal")
            assert len(footer.split("  ")) <= 8


# ---------------------------------------------------------------- preferences and memory


async def test_a_binding_can_be_put_on_another_key(daemon: FakeDaemon):
    async with opened(daemon, preferences=Preferences(keys={"sets.random": "x"})) as (_, pilot):
        await shows(pilot, "about 0:24", "x random theme")

        await pilot.press("x")

        await shows(pilot, "brass and fog")


async def test_wrong_preferences_are_told_and_the_rest_counts(daemon: FakeDaemon):
    async with opened(daemon, preferences=Preferences(complaints=("tui.yaml: no preference “colour”.",))) as (_, pilot):
        await shows(pilot, "no preference “colour”", "about 0:24")


async def test_screen_and_colours_are_those_of_the_last_run(daemon: FakeDaemon, folder: Path):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")
        app.theme = "ansi-dark"
    async with opened(daemon) as (app, _):
        assert app.theme == "ansi-dark"
    memory = json.loads((folder / "state" / "imagineer" / "tui.json").read_text())
    assert (memory["screen"], memory["screens"]["sets"]["set"]) == ("sets", "zodiac")


@pytest.mark.parametrize("name", ["sets", "compose", "mixer", "queue", "gallery", "labels"])
async def test_what_another_version_remembered_keeps_no_screen_from_opening(
    daemon: FakeDaemon, folder: Path, name: str
):
    keys = ("set", "theme", "draft", "batches", "desk", "opened", "batch", "take", "filter")
    file = folder / "state" / "imagineer" / "tui.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"screen": name, "screens": {name: dict.fromkeys(keys, 5)}}))

    async with opened(daemon) as (app, pilot):
        await until(pilot, lambda: app.world.connection.live)
        assert app.current_mode == name


# ---------------------------------------------------------------- with a real daemon


@pytest.mark.timeout(120)
async def test_a_zodiac_is_dealt_by_a_real_daemon(faking: House):
    app = ImagineerApp(faking.environ)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await shows(pilot, "▸ Zodiac", "12 cards ·", "Press enter to deal these 12 cards")

        await pilot.press("enter")

        await until(pilot, lambda: len(app.world.landed) == 12)
        await shows(pilot, "5 to see them")
        (batch,) = app.world.batches.values()
        assert batch.states["done"] == 12


async def test_f5_starts_a_daemon(house: House):
    app = ImagineerApp({**house.environ, "IMAGINEER_RUNTIME_DIR": str(house.paths.runtime_dir)})
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await shows(pilot, "F5 starts it.")
        await pilot.press("f5")

        await shows(pilot, "▸ Zodiac")
        assert not list(app._notifications)

        command = [sys.executable, "-P", "-m", "imagineer_tui", "stop"]
        stopped = await asyncio.to_thread(subprocess.run, command, env=house.environ, capture_output=True, timeout=25)
        assert (stopped.returncode, stopped.stderr) == (0, b"")
