"""The short form of the soak; `python -m soak` is the long one."""

from __future__ import annotations

from soak import day


def test_after_some_hours_the_daemon_is_as_small_as_it_was() -> None:
    outcome = day.run(seed=20261122, hours=4, decks=1)

    assert outcome.findings == []
    assert outcome.hours[-1].cards >= 4 * day.PEOPLE * 12


def test_of_what_nobody_keeps_nothing_stays() -> None:
    outcome = day.run(seed=20261122, hours=3, decks=1, keep=False)

    assert outcome.findings == []


def test_what_grows_is_found() -> None:
    hours = [day.Hour(100 * hour, 60.0 + 20 * hour, 20 + 5 * hour, 1.0 + hour, 500) for hour in range(8)]

    assert day.judged(hours) == [
        "The daemon's memory grows.",
        "The daemon's descriptors grow.",
        "The database grows by more than its cards.",
    ]
    assert day.judged(hours, keep=False)[-1] == "The database grows by what was not kept."
