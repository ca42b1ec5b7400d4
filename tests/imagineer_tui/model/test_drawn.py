"""The row of pictures on Compose."""

from __future__ import annotations

from fakes import BATCH, NAMES, job, take

from imagineer_tui.model.drawn import Place, row
from imagineer_tui.model.world import Progress, World
from imagineerd.jobs import State


def test_the_row_has_what_was_listed_what_landed_and_what_is_to_come():
    world = World(jobs={number: job(number) for number in range(1, len(NAMES) + 2)})
    world.landed.append(take(2))
    world.jobs[4] = job(4, State.RUNNING)
    world.progress[4] = Progress(step=3, steps=12, first=0, began=0.0, at=1.0)

    found = list(row([BATCH], {BATCH: (take(1),)}, world))

    assert found == [Place(1, take(1), "queued"), Place(2, take(2), "queued"), Place(3, None, "queued"),
                   Place(4, None, "step 3/12")]  # fmt: skip


def test_the_row_leaves_out_what_others_draw():
    world = World(jobs={1: job(1)})

    assert list(row(["another"], {}, world)) == []
