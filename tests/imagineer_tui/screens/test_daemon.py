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
        await shows(pilot, "worker 1    dead, cuda:1, It fell off the bus.")

        await pilot.press("f4")
        await shows(pilot, "1 gone", "? help")
        assert isinstance(app.screen, Framed)


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
