"""F4: how the daemon is, over any screen."""

from __future__ import annotations

from pathlib import Path

from fakes import FakeDaemon
from piloting import opened, shows

from imagineer_tui.framed import Framed
from imagineer_tui.widgets.status_line import StatusLine
from imagineerd.crew import together
from imagineerd.protocol import Worker


def crew(second: Worker) -> Worker:
    return together((Worker(device="cuda:0", phase="idle", pid=1), second))


async def test_it_tells_what_each_device_does_and_follows_it(daemon: FakeDaemon):
    daemon.worker = crew(Worker(index=1, device="cuda:1", phase="loading"))
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "2 x cuda · 1 loading")

        await pilot.press("f4")
        await shows(pilot, "─ Daemon ─", "worker 0    idle, cuda:0", "worker 1    loading, cuda:1", "/data/outputs")
        daemon.beside(crew(Worker(index=1, device="cuda:1", phase="dead", detail="It fell off the bus.")))
        await shows(pilot, "worker 1    dead, cuda:1, It fell off the bus")

        await pilot.press("f4")
        await shows(pilot, "1 gone", "? help")
        assert isinstance(app.screen, Framed)


async def test_what_is_too_long_goes_on_below_itself_and_it_says_how_to_leave(daemon: FakeDaemon):
    detail = "It fell off the bus and nobody has seen it since, which is a pity"
    daemon.worker = Worker(device="cuda:0", phase="dead", detail=f"{detail}.", restarts=2)
    async with opened(daemon, (80, 24)) as (_, pilot):
        await shows(pilot, "worker gone")
        await pilot.press("f4")
        screen = await shows(pilot, "worker      dead, cuda:0, It fell off the bus", "─ esc back ─")
        below = next(line for line in screen.splitlines() if "a pity" in line)
        assert f"│{' ' * 14}since" in below


async def test_while_the_daemon_is_away_it_says_that_this_is_old(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "61 GB free")
        await pilot.press("f4")
        assert "was known last" not in await shows(pilot, "─ Daemon ─", "/data/outputs")

        daemon.go_away()

        await shows(pilot, "The daemon is away. This is what was known last:", "/data/outputs")


async def test_a_click_on_the_status_line_opens_it(daemon: FakeDaemon):
    async with opened(daemon) as (_, pilot):
        await shows(pilot, "61 GB free")
        await pilot.click(StatusLine)

        await shows(pilot, "─ Daemon ─")


async def test_without_a_daemon_it_says_so(folder: Path):
    async with opened(folder) as (_, pilot):
        await shows(pilot, "○ away")
        await pilot.press("f4")

        await shows(pilot, "Nothing is known of the daemon yet")
