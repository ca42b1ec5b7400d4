"""The garbage collector of a process of its own looks only at what came after the last screen that stands."""

from __future__ import annotations

import gc
import subprocess
import sys

from imagineer_tui import collector

KEPT = """
import gc
from imagineer_tui import collector

collector.hold()
assert not gc.isenabled()
alive = [[] for _ in range(1000)]
collector.set_aside()
assert gc.isenabled()
print(any(found is alive for found in gc.get_objects()), gc.get_freeze_count() > 1000)
"""


def test_what_is_alive_when_a_screen_stands_is_not_looked_at_again():
    ended = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["False", "True"]


def test_a_process_that_did_not_ask_for_it_keeps_its_collector_as_it_is():
    collector.set_aside()

    assert gc.get_freeze_count() == 0
