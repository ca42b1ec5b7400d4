"""Previews go to who watches, as often as is wanted and allowed; nobody else is sent any, and nothing else is made."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd import link
from imagineerd.previews import Previews, shrunk
from imagineerd.protocol import Heartbeat, Preview, WatchPreviews, decode_from_daemon, decode_head

A, B = b"a", b"b"


def preview(job: int = 1, step: int = 1, width: int = 4, height: int = 6, batch: str = "tarot") -> Preview:
    rgb = bytes(value % 256 for value in range(width * height * 3))
    return Preview(job=job, batch=batch, slot=1, step=step, steps=20, width=width, height=height, rgb=rgb)


class Hall:
    """Previews with pipes that take everything, a clock that is set by hand, and a worker that writes down."""

    def __init__(self, limit: float = 30.0) -> None:
        self.now = 0.0
        self.limit = limit
        self.sent: list[tuple[bytes, object]] = []
        self.told: list[link.Watch] = []
        self.gone: set[bytes] = set()
        self.full: set[bytes] = set()
        self.previews = Previews(self.send, self.told.append, lambda: self.limit, lambda: self.now)

    def send(self, client: bytes, frames: Sequence[bytes]) -> bool:
        if client in self.gone:
            raise KeyError(client)
        if client not in self.full:
            self.sent.append((client, decode_from_daemon(decode_head(frames[0]).kind, frames[1])))
        return client not in self.full

    def shown(self, client: bytes) -> list[tuple[int, int]]:
        """Return job and step of the previews that a client was sent."""
        return [(body.job, body.step) for to, body in self.sent if to == client and isinstance(body, Preview)]

    def watch(self, client: bytes, batch: str | None = None, **wish: object) -> None:
        self.previews.watch(client, WatchPreviews(**{"rate": 30.0, **wish}), batch)


# ---------------------------------------------------------------- who is sent what


def test_who_watches_a_job_is_sent_that_one_alone() -> None:
    hall = Hall()
    hall.watch(A, job=7)

    for job in (6, 7):
        hall.previews.show(preview(job))

    assert hall.shown(A) == [(7, 1)]


def test_who_watches_a_batch_is_sent_its_jobs_alone() -> None:
    hall = Hall()
    hall.watch(A, "tarot")

    hall.previews.show(preview(1, batch="tarot"))
    hall.previews.show(preview(2, batch="zodiac"))

    assert hall.shown(A) == [(1, 1)]


def test_who_watches_all_is_sent_all_and_who_does_not_watch_nothing() -> None:
    hall = Hall()
    hall.watch(A)

    hall.previews.show(preview(1))
    hall.previews.show(preview(2, batch="zodiac"))

    assert hall.shown(A) == [(1, 1), (2, 1)]
    assert {client for client, _ in hall.sent} == {A}


def test_watching_again_replaces_what_was_watched_and_a_rate_of_zero_ends_it() -> None:
    hall = Hall()
    hall.watch(A, job=1)
    hall.watch(A, job=2)
    hall.previews.show(preview(1))
    hall.watch(A, job=2, rate=0.0)
    hall.previews.show(preview(2))

    assert hall.sent == []
    assert not hall.previews.watchers


@pytest.mark.parametrize(("rate", "limit", "steps"), [(4.0, 30.0, [1, 5, 9, 13, 17]), (30.0, 2.0, [1, 9, 17])])
def test_a_job_is_shown_as_often_as_is_wanted_and_allowed(rate: float, limit: float, steps: list[int]) -> None:
    hall = Hall(limit)
    hall.watch(A, rate=rate)
    for step in range(1, 21):
        hall.previews.show(preview(step=step))
        hall.now += 1 / 16

    assert [step for _, step in hall.shown(A)] == steps


def test_where_previews_are_switched_off_none_is_sent_and_none_is_made() -> None:
    hall = Hall(limit=0.0)
    hall.watch(A)
    hall.previews.show(preview())

    assert hall.sent == []
    assert [watch.rate for watch in hall.told] == [0.0]


def test_one_who_does_not_read_loses_previews_and_goes_on_watching() -> None:
    hall = Hall()
    hall.watch(A)
    hall.full.add(A)
    hall.previews.show(preview(step=1))
    hall.full.clear()
    hall.now = 1.0
    hall.previews.show(preview(step=2))

    assert hall.shown(A) == [(1, 2)]


# ---------------------------------------------------------------- what the worker is told


def test_the_worker_is_told_what_somebody_watches_once() -> None:
    hall = Hall()
    hall.watch(A, job=7, max_side=32, rate=1.0)
    hall.watch(B, "tarot", max_side=64, rate=4.0)
    hall.watch(b"c", "tarot", max_side=16, rate=1.0)

    assert hall.told == [
        link.Watch(jobs=(7,), rate=1.0, max_side=32),
        link.Watch(jobs=(7,), batches=("tarot",), rate=4.0, max_side=64),
    ]


def test_the_worker_is_told_to_stop_when_the_last_watcher_is_found_gone() -> None:
    hall = Hall()
    hall.watch(A)
    hall.gone.add(A)

    hall.previews.beat(Heartbeat(boot="b", seq=1))

    assert hall.told[-1] == link.Watch()


def test_who_is_forgotten_is_sent_nothing_more() -> None:
    hall = Hall()
    hall.watch(A)

    hall.previews.forget(A)
    hall.previews.show(preview())

    assert hall.sent == []
    assert hall.told[-1] == link.Watch()


def test_a_changed_setting_reaches_the_worker() -> None:
    hall = Hall(limit=30.0)
    hall.watch(A, rate=10.0)
    hall.limit = 5.0

    hall.previews.beat(Heartbeat(boot="b", seq=1))

    assert [watch.rate for watch in hall.told] == [10.0, 5.0]


# ---------------------------------------------------------------- shrinking


def test_each_watcher_is_sent_the_size_that_it_asked_for() -> None:
    hall = Hall()
    hall.watch(A, max_side=8)
    hall.watch(B, max_side=96)

    hall.previews.show(preview(width=12, height=16))

    sizes = [(client, body.width, body.height) for client, body in hall.sent if isinstance(body, Preview)]
    assert sizes == [(A, 6, 8), (B, 12, 16)]


def test_a_shrunk_preview_takes_its_pixels_from_where_they_stood() -> None:
    rgb = b"".join(bytes((x, y, 9)) for y in range(4) for x in range(4))
    large = msgspec.structs.replace(preview(width=4, height=4), rgb=rgb)

    assert shrunk(large, 2).rgb == bytes((0, 0, 9, 2, 0, 9, 0, 2, 9, 2, 2, 9))


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_a_shrunk_preview_is_whole_and_fits(width: int, height: int, max_side: int) -> None:
    small = shrunk(preview(width=width, height=height), max_side)

    assert len(small.rgb) == small.width * small.height * 3
    assert 1 <= max(small.width, small.height) <= max(max_side, 1)
