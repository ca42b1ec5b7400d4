"""Full collections of garbage wait until nobody is at the app."""

from __future__ import annotations

import subprocess
import sys

APP = """
import asyncio, gc, math
from textual.events import Key
from imagineer_tui import collector, lull

lull.LOOK_S = 0.01
MANY = 40 * math.prod(gc.get_threshold()[:2])

def full():
    return gc.get_stats()[2]["collections"]

async def made(pilot, app):
    for _ in range(100):
        kept = [[] for _ in range(MANY // 100)]
        kept_alive.append(kept)
        await pilot.pause()

async def main():
    collector.hold()
    app = lull.Tidying()
    async with app.run_test() as pilot:
        collector.set_aside()
        app._touched_at = math.inf
        before = full()
        await made(pilot, app)
        assert gc.get_count()[2] >= collector.MANY, gc.get_count()
        print("while somebody is at it:", full() - before)
        app._touched_at = 0.0
        while full() == before:
            await pilot.pause(0.01)
        print("then:", full() - before)
        await pilot.press("a")
        print("a key counts:", app._touched_at > 0)

kept_alive = []
asyncio.run(main())
"""


def test_a_full_collection_waits_until_nobody_presses_a_key():
    ended = subprocess.run([sys.executable, "-c", APP], capture_output=True, text=True, check=False)

    assert ended.stdout.splitlines() == ["while somebody is at it: 0", "then: 1", "a key counts: True"], ended.stderr
