"""The Log screen: it needs no daemon, as it may tell why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from piloting import opened, shows, text_of

from imagineerd.client import Endpoints


@pytest.fixture
def log(folder: Path) -> Path:
    file = folder / "data" / "imagineerd.log"
    file.parent.mkdir()
    file.write_text("2026-11-22 16:41:58,608 INFO imagineerd: Ready.\n")
    return file


async def test_it_follows_what_is_written(folder: Path, log: Path):
    async with opened(folder) as (_, pilot):
        await pilot.press("f3")
        await shows(pilot, "INFO imagineerd: Ready.")

        with log.open("a") as file:
            file.write("2026-11-22 16:41:59,000 ERROR imagineerd: The disk is full.\n")

        await shows(pilot, "▸ 2026-11-22 16:41:59,000 ERROR imagineerd: The disk is full.")


@pytest.fixture
def long(log: Path) -> Path:
    log.write_text("".join(f"2026-11-22 16:41:58,{number:03} INFO imagineerd: Step.\n" for number in range(100)))
    return log


async def test_it_stays_where_one_reads(folder: Path, long: Path):
    async with opened(folder) as (_, pilot):
        await pilot.press("f3")
        await shows(pilot, "▸ 2026-11-22 16:41:58,099")

        await pilot.press("g")
        with long.open("a") as file:
            file.write("2026-11-22 16:42:00,000 INFO imagineerd: Later.\n")

        await shows(pilot, "▸ 2026-11-22 16:41:58,000")


async def test_it_says_where_to_look_where_there_is_none(folder: Path):
    async with opened(folder) as (_, pilot):
        await pilot.press("f3")

        await shows(pilot, "There is no log in", "journalctl --user -u imagineerd -f")


@pytest.mark.usefixtures("log")
async def test_the_log_of_a_daemon_of_another_machine_is_there(folder: Path):
    async with opened(folder, far=Endpoints(f"ipc://{folder}/ctl", f"ipc://{folder}/evt")) as (app, pilot):
        await pilot.press("f3")

        await shows(pilot, "The daemon is another machine's", "F5 tries now.")
        assert "Ready" not in text_of(app)


@pytest.mark.usefixtures("long")
async def test_slash_shows_only_some_lines(folder: Path):
    async with opened(folder) as (_, pilot):
        await pilot.press("f3")
        await shows(pilot, "▸ 2026-11-22 16:41:58,099")

        await pilot.press("slash", *"042")

        screen = await shows(pilot, "▸ 2026-11-22 16:41:58,042")
        assert "58,099" not in screen


@pytest.fixture
def wordy(log: Path) -> None:
    log.write_text(f"2026-11-22 16:41:58,608 ERROR imagineerd: {'It went wrong, ' * 10}in the end.\n")


@pytest.mark.usefixtures("wordy")
async def test_a_line_that_is_too_long_is_written_out_below(folder: Path):
    async with opened(folder, (80, 24)) as (_, pilot):
        await pilot.press("f3")

        await shows(pilot, "…│", "in the end.")
