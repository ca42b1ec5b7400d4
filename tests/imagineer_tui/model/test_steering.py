"""Where jobs stand after a move."""

from __future__ import annotations

import pytest
from fakes import BATCH, job
from msgspec.structs import replace

from imagineer_tui.model.steering import Place, down, up, where_it_stands
from imagineer_tui.model.world import World


@pytest.fixture
def world() -> World:
    jobs = [job(1), job(2), replace(job(3), batch="b2"), replace(job(4), batch="b3"), replace(job(5), batch="b3")]
    return World(jobs={job.id: job for job in jobs})


def test_a_card_moves_past_a_card(world: World):
    assert up(world, (3,)) == Place((3,), before=2)
    assert down(world, (1,)) == Place((1,), before=3)
    assert down(world, (4,)) == Place((4,), end="bottom")


def test_a_deck_moves_past_a_deck(world: World):
    assert world.jobs[1].batch == BATCH
    assert up(world, (4, 5)) == Place((4, 5), before=3)
    assert down(world, (1, 2)) == Place((1, 2), before=4)


def test_there_is_nothing_beyond_the_ends(world: World):
    assert up(world, (1,)) is None
    assert up(world, (1, 2)) is None
    assert down(world, (5,)) is None
    assert down(world, (4, 5)) is None


def test_where_it_stands_can_be_gone_back_to(world: World):
    assert where_it_stands(world, (1, 2)) == Place((1, 2), before=3)
    assert where_it_stands(world, (4, 5)) == Place((4, 5), end="bottom")
