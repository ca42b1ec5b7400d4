"""The daemon as a process, with the fake worker: followed, stopped, killed and started again, it loses nothing."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq
from house import REAL, House, wait_until

from imagineerd import protocol
from imagineerd.client import Away, Client, Event, Followed
from imagineerd.errors import DaemonAway, Invalid
from imagineerd.jobs import MAX_RECOVERIES, State
from imagineerd.protocol import (
    BatchAdded,
    Bye,
    EventMark,
    Heartbeat,
    JobMoved,
    JobsPlaced,
    PauseChanged,
    Preview,
    Resume,
    Settings,
    Snapshot,
    TakeAdded,
    Tick,
    WatchPreviews,
)

SLOW = Settings(steps=100)
PICKS = 200
MANY = 12_000
"""More events than fit the pipe and the buffers of one who does not read."""


@contextlib.contextmanager
def followed(house: House, since: EventMark | None = None, ticks_hz: float = 5.0) -> Iterator[Iterator[Followed]]:
    """Follow a daemon on a connection of its own."""
    with house.client() as client:
        messages = client.events(since, ticks_hz)
        with contextlib.closing(messages):
            yield messages


def until(messages: Iterator[Followed], wanted: Callable[[Followed], bool]) -> list[Followed]:
    """Return what comes, up to and with the first that is wanted."""
    found = []
    for message in messages:
        found.append(message)
        if wanted(message):
            break
    return found


def last_take(count: int) -> Callable[[Followed], bool]:
    """Recognise the event of the take that completes a batch."""
    seen: set[int] = set()

    def wanted(message: Followed) -> bool:
        if isinstance(message, Event) and isinstance(message.body, TakeAdded):
            seen.add(message.body.take.slot)
        return len(seen) == count

    return wanted


def events_in(messages: list[Followed]) -> list[Event]:
    return [message for message in messages if isinstance(message, Event)]


def closed(client: Client, batch: str) -> bool:
    """Say whether nothing of a batch waits or runs."""
    return not {"queued", "running"} & client.batch(batch).batch.states.keys()


# ---------------------------------------------------------------- one daemon


def test_nobody_else_can_reach_the_daemon(faking: House) -> None:
    paths = faking.paths

    assert stat.S_IMODE(paths.runtime_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.ctl_socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.blob_socket.stat().st_mode) == 0o600


def test_the_daemon_knows_who_speaks(faking: House) -> None:
    with faking.client() as client:
        assert (client.hello().uid, client.hello().pid) == (os.getuid(), os.getpid())


def test_the_daemon_never_loads_torch(faking: House) -> None:
    maps = Path(f"/proc/{faking.pid}/maps").read_text()

    assert "libtorch" not in maps


@pytest.mark.parametrize("shared", ["data", "run"])
def test_a_second_daemon_in_the_same_place_leaves_at_once_with_a_sentence(faking: House, shared: str) -> None:
    other = House(faking.root)
    other.command = REAL
    variable = {"data": "IMAGINEER_RUNTIME_DIR", "run": "IMAGINEER_DATA_DIR"}[shared]
    other.environ = {**other.environ, variable: str(faking.root / "other")}

    ended = other.run()

    assert ended.returncode == 2
    assert f"Another imagineerd (pid {faking.pid}) holds" in ended.stderr
    assert "Traceback" not in ended.stderr
    with faking.client() as client:
        assert client.status().pid == faking.pid


def test_sockets_that_a_killed_daemon_left_are_replaced(house: House) -> None:
    house.with_fake_worker().start().kill()
    assert house.paths.ctl_socket.exists()

    house.start()

    with house.client() as client:
        assert client.status().pid == house.pid


def test_a_stale_socket_of_someone_unknown_is_replaced(house: House) -> None:
    house.paths.runtime_dir.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(house.paths.ctl_socket))

    house.with_fake_worker().start()


# ---------------------------------------------------------------- watching


def test_who_watches_a_batch_sees_its_cards_grow_and_who_follows_is_not_disturbed(faking: House) -> None:
    with followed(faking) as messages, faking.client() as client, faking.client() as viewer:
        next(messages)
        batch = client.generate("SLOW fox", settings=Settings(steps=40)).batch.id
        shown = next(viewer.previews(WatchPreviews(batch=batch, rate=30)))
        client.cancel(batch_id=batch)
        seen = until(messages, lambda message: getattr(getattr(message, "body", 0), "state", 0) == State.CANCELLED)

    assert (shown.batch, shown.width, shown.height, shown.rgb) == (batch, 2, 3, bytes([shown.step]) * 18)
    assert not [message for message in seen if isinstance(message, Preview)]


def test_to_watch_both_a_job_and_a_batch_is_refused(faking: House) -> None:
    with faking.client() as client, pytest.raises(Invalid, match="either a job or a batch"):
        client.ask(WatchPreviews(job=1, batch="last"))


# ---------------------------------------------------------------- the trash


def where(house: House, folder: Path, take: int, file: str) -> list[bool]:
    """Return whether picture and sidecar of a take are at home, and whether they are in the trash."""
    trash = house.paths.data_dir / "trash"
    paths = (folder / file, (folder / file).with_suffix(".json"), trash / f"{take}.png", trash / f"{take}.json")
    return [path.exists() for path in paths]


def test_killed_at_any_moment_a_deleted_take_is_in_the_trash_and_a_kept_one_at_home(house: House) -> None:
    random_ = random.Random(20261122)  # noqa: S311 - the same moments each time
    house.with_fake_worker().start()
    with house.client() as client:
        batch = client.deal("zodiac").batch
        wait_until(lambda: closed(client, batch.id))
    for _ in range(3):
        with house.client() as client, contextlib.suppress(DaemonAway):
            killer = threading.Timer(random_.random() * 0.2, house.kill)
            killer.start()
            while True:
                client.delete(batch_id=batch.id)
                client.restore(batch_id=batch.id)
        killer.join()
        house.start()
        with house.client() as client:
            kept = [take for slot in client.batch(batch.id).slots for take in slot.takes]
            deleted = [found.take for found in client.trash().takes]
            assert len(kept) + len(deleted) == 12
            for take in (*kept, *deleted):
                at_home = take.deleted_at is None
                found = where(house, Path(batch.folder), take.id, take.file)
                assert found == [at_home, at_home, not at_home, not at_home]


# ---------------------------------------------------------------- following


def test_events_follow_the_snapshot_without_a_gap(faking: House) -> None:
    with followed(faking) as messages, faking.client() as client:
        snapshot = next(messages)
        assert isinstance(snapshot, Snapshot)
        dealt = client.deal("zodiac", "at sea")
        events = events_in(until(messages, last_take(12)))

    assert [event.seq for event in events] == list(range(snapshot.seq + 1, snapshot.seq + 1 + len(events)))
    assert isinstance(events[0].body, BatchAdded)
    assert events[0].body.jobs == dealt.jobs
    moves = [(event.body.job, event.body.state) for event in events if isinstance(event.body, JobMoved)]
    for job in dealt.jobs:
        assert [state for moved, state in moves if moved == job] == [State.RUNNING, State.DONE]


def test_a_snapshot_in_the_middle_of_work_and_its_events_tell_the_whole(faking: House) -> None:
    with faking.client() as client:
        dealt = client.deal("zodiac", "at sea", Settings(steps=20))
        with followed(faking) as messages:
            snapshot = next(messages)
            assert isinstance(snapshot, Snapshot)
            known = {job.id: job.state for job in snapshot.jobs}
            open_jobs = {job for job in known if job in dealt.jobs}
            if open_jobs:
                done = set()
                for message in messages:
                    if isinstance(message, Event) and isinstance(message.body, JobMoved):
                        known[message.body.job] = message.body.state
                        done |= {message.body.job} if message.body.state is State.DONE else set()
                    if open_jobs <= done:
                        break
        wait_until(lambda: closed(client, dealt.batch.id))

    assert {known.get(job, State.DONE) for job in dealt.jobs} == {State.DONE}


def test_progress_comes_beside_the_events_no_faster_than_asked(faking: House) -> None:
    with followed(faking, ticks_hz=4) as messages, faking.client() as client:
        next(messages)
        job = client.generate("SLOW", settings=Settings(steps=10)).jobs[0]
        found = until(messages, last_take(1))

    ticks = [message for message in found if isinstance(message, Tick) and message.job == job]
    assert 2 <= len(ticks) <= 6
    assert ticks[-1].step == ticks[-1].steps == 10
    assert [tick.step for tick in ticks] == sorted(tick.step for tick in ticks)


def test_one_who_wants_no_ticks_gets_none(faking: House) -> None:
    with followed(faking, ticks_hz=0) as messages, faking.client() as client:
        next(messages)
        client.generate("a fox", settings=Settings(steps=20))
        found = until(messages, last_take(1))

    assert not any(isinstance(message, Tick) for message in found)


def test_a_sign_of_life_tells_the_newest_event(faking: House) -> None:
    with followed(faking) as messages:
        snapshot = next(messages)
        assert isinstance(snapshot, Snapshot)
        beat = until(messages, lambda message: isinstance(message, Heartbeat))[-1]

    assert isinstance(beat, Heartbeat)
    assert beat.seq >= snapshot.seq


def test_who_was_away_gets_exactly_what_he_missed(faking: House) -> None:
    with faking.client() as client:
        with followed(faking) as messages:
            first = next(messages)
        assert isinstance(first, Snapshot)
        dealt = client.deal("zodiac", cards=[1, 2])
        wait_until(lambda: closed(client, dealt.batch.id))
        with followed(faking, EventMark(epoch=first.epoch, seq=first.seq)) as messages:
            resume = next(messages)
            assert isinstance(resume, Resume)
            missed = events_in(until(messages, lambda m: isinstance(m, Event) and m.seq == resume.seq))

    assert [event.seq for event in missed] == list(range(first.seq + 1, resume.seq + 1))
    assert sum(isinstance(event.body, TakeAdded) for event in missed) == 2


def test_a_mark_of_another_database_or_of_the_future_gets_a_snapshot(faking: House) -> None:
    with faking.client() as client:
        epoch = client.status().epoch
    for mark in (EventMark(epoch="another", seq=1), EventMark(epoch=epoch, seq=10**9)):
        with followed(faking, mark) as messages:
            assert isinstance(next(messages), Snapshot)


def test_every_turn_of_the_wheel_is_told_at_once(faking: House) -> None:
    with followed(faking) as messages, faking.client() as client:
        first = next(messages)
        assert isinstance(first, Snapshot)
        client.pause()
        dealt = client.deal("zodiac", cards=[1, 2, 3], priority=7)
        client.move([dealt.jobs[2]], end="top")
        client.hold([dealt.jobs[0]])
        told = events_in(until(messages, lambda m: isinstance(m, Event) and isinstance(m.body, JobMoved)))
        with followed(faking) as others:
            late = next(others)
        client.resume()
        told += events_in(until(messages, lambda m: isinstance(m, Event) and isinstance(m.body, PauseChanged)))

    assert [type(event.body) for event in told] == [PauseChanged, BatchAdded, JobsPlaced, JobMoved, PauseChanged]
    added, placed = told[1].body, told[2].body
    assert isinstance(added, BatchAdded)
    assert isinstance(placed, JobsPlaced)
    assert (added.priority, added.turn) == (7, 0)
    (place,) = placed.places
    assert (place.job, place.priority, place.turn) == (dealt.jobs[2], 7, 0)
    assert place.rank < dealt.jobs[0]
    assert isinstance(late, Snapshot)
    assert late.paused
    assert [job.id for job in late.jobs] == [dealt.jobs[2], dealt.jobs[1]]


# ---------------------------------------------------------------- followers that do not read


class Deaf:
    """A connection that asks and does not read until it is told to."""

    def __init__(self, house: House) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RCVHWM, 1)
        self.socket.setsockopt(zmq.RCVTIMEO, 10_000)
        self.socket.connect(f"ipc://{house.paths.ctl_socket}")
        self.send(protocol.Hello())

    def send(self, request: protocol.Request[Any], rid: int = 1) -> None:
        self.socket.send_multipart(protocol.encode(request, rid=rid))

    def receive(self) -> tuple[protocol.Head, protocol.Body | None]:
        head, body = self.socket.recv_multipart()
        read = protocol.decode_head(head)
        return read, protocol.decode_from_daemon(read.kind, body)

    def close(self) -> None:
        self.context.destroy(linger=0)


def change_picks(house: House, client: Client, times: int) -> Iterator[int]:
    """Make many events; yield how many there are, now and then."""
    batch = client.generate("a fox", 2, Settings(steps=1)).batch.id
    wait_until(lambda: closed(client, batch))
    takes = [take.id for take in client.batch(batch).slots[0].takes]
    with contextlib.closing(Deaf(house)) as line:
        line.receive()
        for start in range(0, times, PICKS):
            for turn in range(start, start + PICKS):
                line.send(protocol.Pick(take=takes[(turn + 1) % 2]), turn)
            for _ in range(PICKS):
                line.receive()
            yield start + PICKS


def test_one_who_does_not_read_is_left_behind_and_begins_anew_when_he_does(house: House) -> None:
    house.with_fake_worker().start()
    with followed(house) as messages, house.client() as client, contextlib.closing(Deaf(house)) as deaf:
        first = next(messages)
        assert isinstance(first, Snapshot)
        deaf.send(protocol.Subscribe())
        heard: list[Event] = []
        for made in change_picks(house, client, MANY):
            least = first.seq + made
            heard += events_in(until(messages, lambda m, least=least: isinstance(m, Event) and m.seq >= least))
        seqs, again = heard_late(deaf)

    assert [event.seq for event in heard] == list(range(first.seq + 1, first.seq + 1 + len(heard)))
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert len(seqs) < MANY
    assert again.seq >= heard[-1].seq


def heard_late(deaf: Deaf) -> tuple[list[int], Snapshot]:
    """Read at last: the events that had been sent, and what comes then."""
    seqs: list[int] = []
    while True:
        head, body = deaf.receive()
        if head.seq:
            seqs.append(head.seq)
        elif isinstance(body, Snapshot) and seqs:
            return seqs, body


def test_one_who_left_while_he_was_behind_harms_nobody(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        with contextlib.closing(Deaf(house)) as deaf:
            deaf.send(protocol.Subscribe())
            for _ in change_picks(house, client, MANY):
                pass
        with followed(house) as messages:
            for _ in range(2):
                until(messages, lambda message: isinstance(message, Heartbeat))

    assert "Traceback" not in house.log()


# ---------------------------------------------------------------- killed and started again


def test_a_follower_sees_the_daemon_go_and_come_back_without_missing_anything(house: House) -> None:
    house.with_fake_worker().start()
    with followed(house) as messages, house.client() as client:
        snapshot = next(messages)
        assert isinstance(snapshot, Snapshot)
        client.deal("zodiac", "SLOW", Settings(steps=3))
        before = until(messages, lambda m: isinstance(m, Event) and isinstance(m.body, TakeAdded))
        house.kill()
        before += until(messages, lambda message: isinstance(message, Away))
        house.start()
        after = until(messages, lambda message: isinstance(message, Resume | Snapshot))
        rest = until(messages, lambda _: client.batch("last").batch.takes == 12)
        rest += until(messages, lambda message: isinstance(message, Heartbeat))

    assert isinstance(after[-1], Resume)
    assert after[-1].epoch == snapshot.epoch
    events = events_in(before + after + rest)
    assert [event.seq for event in events] == list(range(snapshot.seq + 1, snapshot.seq + 1 + len(events)))
    taken = [event.body.take.slot for event in events if isinstance(event.body, TakeAdded)]
    assert sorted(taken) == list(range(1, 13))


def test_another_database_is_another_epoch(house: House) -> None:
    house.with_fake_worker().start()
    with followed(house) as messages:
        first = next(messages)
        assert isinstance(first, Snapshot)
        house.stop()
        shutil.rmtree(house.paths.data_dir)
        house.start()
        again = until(messages, lambda message: isinstance(message, Resume | Snapshot))[-1]

    assert isinstance(again, Snapshot)
    assert again.epoch != first.epoch


def test_a_deal_outlives_the_daemon_and_its_key_is_still_known(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        dealt = client.deal("zodiac", "at sea", SLOW, idem="once")
        house.kill()
        house.start()

        again = client.deal("zodiac", "at sea", SLOW, idem="once")
        assert (again.repeated, again.jobs) == (True, dealt.jobs)
        wait_until(lambda: client.batch(dealt.batch.id).batch.takes == 12)


def test_old_keys_are_forgotten(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        client.generate("a fox", idem="old")
        house.stop()
        with contextlib.closing(sqlite3.connect(house.paths.database)) as database, database:
            database.execute("UPDATE idem SET at = 1")
        house.start()

        wait_until(lambda: not client.generate("a fox", idem="old").repeated)


def counted(folder: Path) -> tuple[int, int]:
    """Return how many pictures and how many half-written files a folder holds."""
    return len(list(folder.glob("*.png"))), len(list(folder.rglob("*.part")))


def test_killed_at_any_moment_every_slot_ends_with_one_take_and_files_agree_with_rows(house: House) -> None:
    random_ = random.Random(20261122)  # noqa: S311 - the same moments each time
    house.with_fake_worker().start()
    with house.client() as client:
        dealt = client.deal("tarot_deck", "at sea", Settings(steps=4))
        for _ in range(MAX_RECOVERIES - 1):
            least = client.batch(dealt.batch.id).batch.takes + random_.randint(0, 3)
            wait_until(lambda least=least: client.batch(dealt.batch.id).batch.takes >= least)
            time.sleep(random_.random() * 0.05)  # the moment is meant to be any
            house.kill()
            house.start()
        wait_until(lambda: closed(client, dealt.batch.id))
        detail = client.batch(dealt.batch.id)

        assert [len(slot.takes) for slot in detail.slots] == [1] * 22
        assert [slot.takes[0].seed for slot in detail.slots] == [
            job.spec.seed for job in sorted(client.jobs(batch_id=dealt.batch.id).jobs, key=lambda job: job.slot)
        ]
        for slot in detail.slots:
            assert client.picture(slot.takes[0].id)
        assert counted(Path(detail.batch.folder)) == (22, 0)


def test_killed_while_it_is_steered_it_keeps_its_course_and_every_slot_ends_with_one_take(house: House) -> None:
    random_ = random.Random(6)  # noqa: S311 - the same course each time
    house.with_fake_worker(generation="{batch_size: 1}").start()
    with house.client() as client:
        dealt = client.deal("tarot_deck", "SLOW", Settings(steps=2))
        for _ in range(MAX_RECOVERIES - 1):
            least = client.batch(dealt.batch.id).batch.takes + 1
            wait_until(lambda least=least: client.batch(dealt.batch.id).batch.takes >= least)
            client.pause(now=random_.random() < 0.5)
            waiting = [job.id for job in client.jobs([State.QUEUED]).jobs]
            *moved, held = random_.sample(waiting, 3)
            client.move(moved, end="top")
            client.hold([held])
            house.kill()
            house.start()

            assert client.status().paused
            assert [job.id for job in client.queue().jobs if job.id in waiting][:2] == moved
            assert [job.id for job in client.jobs([State.HELD]).jobs] == [held]
            client.release([held])
            client.resume()
        wait_until(lambda: closed(client, dealt.batch.id))
        detail = client.batch(dealt.batch.id)

        assert [len(slot.takes) for slot in detail.slots] == [1] * 22
        assert counted(Path(detail.batch.folder)) == (22, 0)


def test_a_picture_whose_row_was_not_written_is_not_drawn_again(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        dealt = client.generate("a fox", settings=Settings(steps=1))
        take = wait_until(lambda: client.batch(dealt.batch.id).slots[0].takes)[0]
        folder = Path(client.batch(dealt.batch.id).batch.folder)
        house.kill()
        with contextlib.closing(sqlite3.connect(house.paths.database)) as database, database:
            database.execute("UPDATE job SET state = 'running', take = NULL, ended_at = NULL, started_at = 1.0")
            database.execute("UPDATE slot SET pick = NULL, chosen = NULL")
            database.execute("DELETE FROM take")
        written = (folder / take.file).stat().st_mtime_ns
        house.start()

        adopted = wait_until(lambda: client.batch(dealt.batch.id).slots[0].takes)[0]
        assert adopted.sha256 == take.sha256
        assert (folder / take.file).stat().st_mtime_ns == written
        assert counted(folder) == (1, 0)


# ---------------------------------------------------------------- its worker


def worker_pid(client: Client) -> int:
    return wait_until(lambda: client.status().worker.phase in {"idle", "working"} and client.status().worker.pid)


def test_the_worker_s_death_is_seen_and_its_work_is_done_by_the_next(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        dealt = client.deal("zodiac", "SLOW", Settings(steps=3))
        wait_until(lambda: client.batch(dealt.batch.id).batch.states.get("running"))
        os.kill(worker_pid(client), signal.SIGKILL)
        wait_until(lambda: client.batch(dealt.batch.id).batch.states == {"done": 12})

        assert client.status().worker.restarts == 1
        assert client.batch(dealt.batch.id).batch.takes == 12
        assert counted(Path(dealt.batch.folder)) == (12, 0)


def test_a_poison_card_is_held_and_the_rest_of_its_deck_is_drawn(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        poison = client.generate("POISON").jobs[0]
        deck = client.deal("zodiac").batch.id
        wait_until(lambda: client.batch(deck).batch.states == {"done": 12})

        (held,) = client.jobs([State.HELD]).jobs
        assert held.id == poison
        assert held.error is not None
        assert held.error.code == "E_WORKER_LOST"


def test_a_hanging_worker_is_killed(house: House) -> None:
    house.with_fake_worker(hang_s=0.5).start()
    with house.client() as client:
        job = client.generate("HANG").jobs[0]
        wait_until(lambda: client.jobs([State.HELD]).jobs)

        assert client.jobs([State.HELD]).jobs[0].id == job
        assert "it gave no sign of life" in house.log()


def test_a_worker_that_cannot_work_is_shown_with_its_sentence(house: House) -> None:
    house.with_fake_worker("broken").start()
    with house.client() as client:
        worker = wait_until(lambda: client.status().worker.detail and client.status().worker)

        assert worker.detail == "This machine has no CUDA device: set hardware.device to cpu."
        assert client.deal("zodiac").batch.slots == 12


@pytest.mark.parametrize("life", ["rubbish", "wrong", "sudden"])
def test_whatever_the_worker_is_the_daemon_answers(house: House, life: str) -> None:
    house.with_fake_worker(life).start()
    with house.client() as client:
        wait_until(lambda: client.status().worker.restarts)

        assert client.deal("zodiac").batch.slots == 12
    assert house.stop() == 0


# ---------------------------------------------------------------- stopping


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stop"])
def test_an_orderly_end_gives_running_jobs_back_uncounted_and_leaves_nothing_behind(house: House, how: str) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        dealt = client.deal("zodiac", "SLOW", SLOW)
        worker = worker_pid(client)
        wait_until(lambda: client.batch(dealt.batch.id).batch.states.get("running"))
        if how == "stop":
            client.stop()
            code = house.wait()
        else:
            code = house.end(signal.Signals[how])

    assert code == 0
    assert not house.paths.ctl_socket.exists()
    assert not house.paths.blob_socket.exists()
    assert not psutil.pid_exists(worker)
    with contextlib.closing(sqlite3.connect(house.paths.database)) as database:
        rows = database.execute("SELECT DISTINCT state, attempts FROM job").fetchall()
    assert rows == [("queued", 0)]


def test_followers_are_told_good_bye(house: House) -> None:
    house.with_fake_worker().start()
    with followed(house) as messages:
        next(messages)
        os.kill(house.pid, signal.SIGTERM)
        assert any(isinstance(message, Bye) for message in until(messages, lambda m: isinstance(m, Away)))
    assert house.wait() == 0


def test_what_was_queued_is_drawn_after_the_next_start(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        dealt = client.deal("zodiac", "SLOW", Settings(steps=2))
        house.stop()
        house.start()

        wait_until(lambda: client.batch(dealt.batch.id).batch.states == {"done": 12})
        assert {job.attempts for job in client.jobs(batch_id=dealt.batch.id).jobs} == {1}


def test_the_worker_dies_with_its_daemon(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        client.deal("zodiac", "SLOW", SLOW)
        worker = psutil.Process(worker_pid(client))
    house.kill()

    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_the_limits_are_told_to_every_client(faking: House) -> None:
    with faking.client() as client:
        assert client.hello().limits == protocol.Limits()
