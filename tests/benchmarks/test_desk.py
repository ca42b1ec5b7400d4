"""How the benchmark's decks are dealt: as the daemon deals them, or in calls of one size."""

from __future__ import annotations

import pytest
from desk import as_dealt, in_calls_of

from imagineerd.jobs import GenerateSpec

DECK = [GenerateSpec(f"card {seed}", 512, 720, 25, 7.5, seed, "sd15") for seed in range(54)]


@pytest.mark.parametrize(
    ("sizes", "wanted"), [((1, 4, 8, 16), [16, 16, 16, 4, 1, 1]), ((1, 4), [4] * 13 + [1, 1]), ((1,), [1] * 54)]
)
def test_a_deck_is_split_into_the_calls_that_the_daemon_makes_of_it(sizes: tuple[int, ...], wanted: list[int]) -> None:
    calls = as_dealt(DECK, sizes, {})

    assert [call.size for call in calls] == wanted
    assert [len(call.specs) for call in calls] == wanted
    assert [spec for call in calls for spec in call.specs] == DECK


def test_what_the_worker_measured_counts_as_in_the_daemon() -> None:
    calls = as_dealt(DECK, (1, 8, 16), {1: 1.0, 8: 2.0, 16: 3.0})

    assert [(len(call.specs), call.size) for call in calls] == [(16, 16)] * 3 + [(6, 8)]


def test_calls_of_one_size_leave_the_last_one_to_be_padded() -> None:
    calls = in_calls_of(16, DECK)

    assert [(len(call.specs), call.size) for call in calls] == [(16, 16)] * 3 + [(6, 16)]
