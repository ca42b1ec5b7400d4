"""The simulator's plainer ways: what the scheduler is measured against is what it says."""

from __future__ import annotations

import pytest
import scheduling
from scheduling import CALLS, LOAD_S, Asked, first_come, ours

MIX_S = 2.0


def asked(at: float, kind: str, *groups: str) -> Asked:
    return Asked(at, kind, kind, 0, tuple(f"model||{group}|512x720|dpm++|25" for group in groups))


def test_first_come_first_served_draws_one_picture_after_the_other_and_changes_the_mix_each_time() -> None:
    run = scheduling._replay([asked(0, "deck", "ink", "gold", "ink"), asked(1, "single", "ink")], MIX_S, first_come)
    one = MIX_S + CALLS[1]

    assert run.changes == 3
    assert run.waits["deck"] == pytest.approx([0, LOAD_S + one, LOAD_S + 2 * one])
    assert run.waits["single"] == pytest.approx([LOAD_S + 3 * one - 1])
    assert run.seconds == pytest.approx(LOAD_S + 3 * one + CALLS[1])


def test_the_daemon_shares_calls_and_changes_the_mix_once() -> None:
    run = scheduling._replay([asked(0, "deck", *["ink", "gold"] * 8)], MIX_S, ours)

    assert run.changes == 2
    assert run.seconds == pytest.approx(LOAD_S + 2 * MIX_S + 2 * CALLS[8])
