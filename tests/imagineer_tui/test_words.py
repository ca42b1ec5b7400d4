"""How numbers and times are written."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from imagineer_tui.words import when


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are those of Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M"))


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("2026-11-30 00:05", "00:05"),
        ("2026-11-30 21:14", "21:14"),
        ("2026-11-29 23:59", "Sun 29"),
        ("2026-11-25 09:00", "Wed 25"),
        ("2026-11-24 09:00", "24 Nov"),  # the day of the week would soon be today's
        ("2026-10-03 12:00", "3 Oct"),
        ("2025-12-31 12:00", "Dec’25"),
        ("2026-12-01 08:00", "1 Dec"),  # by a clock that goes before ours
    ],
)
def test_a_time_is_written_as_short_as_its_age_allows(then: str, said: str):
    assert when(at(then), at("2026-11-30 21:20")) == said
    assert len(said) <= 6
