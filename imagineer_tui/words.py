"""How numbers and names are written for people."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagineerd.protocol import Batch

_DAY = 86_400
_WEEK_DAYS = 6
UNMEASURED = "the first picture will tell how long it takes"
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000
_MINUTE = 60


def clock(seconds: float) -> str:
    """Return `0:24`, `12:05` or `3:00:00`."""
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def took(seconds: float) -> str:
    """Return `9.3 s`, or `2:05` from a minute on."""
    return f"{seconds:.1f} s" if seconds < _MINUTE else clock(seconds)


def size(count: float) -> str:
    """Return bytes as `61 GB`."""
    unit = 0
    while count >= _STEP and unit < len(_UNITS) - 1:
        count, unit = count / _STEP, unit + 1
    return f"{count:.0f} {_UNITS[unit]}"


def moment(at: float) -> str:
    """Return a Unix time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def when(at: float, now: float) -> str:
    """Return a Unix time in at most six characters: `21:14` of today, `Sat 28` of this week, `3 Oct`, `Oct’25`."""
    then, today = time.localtime(at), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if 0 < now - at < _WEEK_DAYS * _DAY:
        return f"{time.strftime('%a', then)} {then.tm_mday}"
    if then.tm_year == today.tm_year:
        return f"{then.tm_mday} {time.strftime('%b', then)}"
    return time.strftime("%b’%y", then)


def lasts(seconds: float | None) -> str:
    """Return how long drawing takes by what was measured, `about 0:24`; where that is nothing, what will tell."""
    return UNMEASURED if seconds is None else f"about {clock(max(1.0, seconds))}"


def number_of(count: int, one: str, many: str = "") -> str:
    """Return `1 card`, `12 cards`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def states(counts: Mapping[str, int]) -> str:
    """Return `9 done, 1 failed`, in the order in which a job goes through them."""
    from imagineerd.jobs import State  # after the first paint

    return ", ".join(f"{counts[state]} {state.value}" for state in State if counts.get(state))


def title_of(batch: Batch) -> str:
    """Return a batch's title with its theme, `Zodiac “night sky”`."""
    return f"{batch.title} “{batch.theme}”" if batch.theme else batch.title
