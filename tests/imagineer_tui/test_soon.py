"""Doing things soon, and once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imagineer_tui.soon import SOON_S, Soon


@pytest.fixture
def timers() -> list[tuple[float, Callable[[], None]]]:
    return []


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def soon(timers: list[tuple[float, Callable[[], None]]]) -> Soon:
    return Soon(lambda seconds, act: timers.append((seconds, act)))


def test_what_is_asked_for_often_is_done_once(soon: Soon, timers, done):
    for _ in range(3):
        soon.do("load", lambda: done.append("load"))
    soon.do("draw", lambda: done.append("draw"), 1.0)
    assert [seconds for seconds, _ in timers] == [SOON_S, 1.0]
    for _, act in timers:
        act()
    assert done == ["load", "draw"]


def test_a_shower_that_never_ends_puts_nothing_off(soon: Soon, timers, done):
    soon.do("load", lambda: done.append("load"))
    timers.pop()[1]()
    soon.do("load", lambda: done.append("load again"))
    assert len(timers) == 1
    assert done == ["load"]
