"""The short form of the siege; `python -m hostile` is the long one."""

from __future__ import annotations

from hostile.siege import Siege


def test_under_siege_the_daemon_answers_and_stays_as_small_as_it_is() -> None:
    outcome = Siege(seed=20261122).run(frames=4000)

    assert outcome.findings == []
    assert {"E_PROTO", "E_INVALID", "E_TOO_LARGE", "E_NOT_FOUND", "answered"} <= outcome.answers.keys()
    assert outcome.worker_lives
