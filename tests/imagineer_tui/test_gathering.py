"""Changes are told together and not too often."""

from __future__ import annotations

from collections.abc import Callable

from imagineer_tui.gathering import PROGRESS_S, SOON_S, Gathering


class Clock:
    """Runs what is to be called later when a test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.calls.append((seconds, call))

    def ring(self) -> None:
        calls, self.calls = self.calls, []
        for _, call in sorted(calls, key=lambda pair: pair[0]):
            call()


def test_what_changes_in_a_moment_is_told_once():
    clock, told = Clock(), []
    gathering = Gathering(clock.later, told.append)

    for _ in range(500):
        gathering.add(frozenset({"queue"}))
        gathering.add(frozenset({"status", "progress"}))
    clock.ring()

    assert told == ["progress", "queue", "status"]


def test_progress_alone_waits_longer():
    clock, told = Clock(), []
    gathering = Gathering(clock.later, told.append)

    gathering.add(frozenset({"progress"}))
    gathering.add(frozenset({"progress"}))

    assert [seconds for seconds, _ in clock.calls] == [PROGRESS_S]


def test_what_is_urgent_does_not_wait_for_progress():
    clock, told = Clock(), []
    gathering = Gathering(clock.later, told.append)

    gathering.add(frozenset({"progress"}))
    gathering.add(frozenset({"connection"}))

    assert [seconds for seconds, _ in clock.calls] == [PROGRESS_S, SOON_S]
    clock.ring()
    assert told == ["connection", "progress"]


def test_after_it_was_told_it_starts_over():
    clock, told = Clock(), []
    gathering = Gathering(clock.later, told.append)

    for _ in range(2):
        gathering.add(frozenset({"queue"}))
        clock.ring()

    assert told == ["queue", "queue"]
