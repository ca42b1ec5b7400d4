"""How fast the daemon draws, by the steps that it tells of."""

from __future__ import annotations

from imagineer_tui.model.pace import WINDOW_S, Pace


def test_nothing_is_said_of_a_moment():
    pace = Pace()
    assert pace.rate(0.0) == 0.0

    pace.note(4, 10.0)
    pace.note(4, 10.2)

    assert pace.rate(10.2) == 0.0


def test_the_rate_is_of_all_cards_together():
    pace = Pace()
    for tenth in range(0, 50, 5):
        pace.note(2, 100.0 + tenth / 10)

    assert round(pace.rate(104.5)) == 4


def test_a_pause_in_the_drawing_lowers_it():
    pace = Pace()
    for second in range(6):
        pace.note(1, float(second))

    assert pace.rate(10.0) == 0.5


def test_what_is_long_ago_counts_no_more():
    pace = Pace()
    pace.note(1000, 0.0)
    for second in range(5):
        pace.note(1, WINDOW_S + 1 + second)

    assert pace.rate(WINDOW_S + 5) == 1.0


def test_it_starts_anew_after_a_stop():
    pace = Pace()
    pace.note(4, 0.0)
    pace.note(4, 5.0)

    pace.stop()

    assert pace.rate(6.0) == 0.0
