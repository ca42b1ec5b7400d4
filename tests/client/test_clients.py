"""Both clients against a daemon that misbehaves in every way there is."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from fakes import BATCH, WAIT_S, Deck, FakeDaemon
from house import wait_until

from imagineerd import protocol
from imagineerd.client import AsyncClient, Away, Client, Endpoints, Event, dealer
from imagineerd.client.launch import connect, start_daemon
from imagineerd.config import Paths
from imagineerd.errors import (
    Conflict,
    DaemonAway,
    DiskError,
    Invalid,
    NotFound,
    Problem,
    ProtocolError,
    TooLarge,
    VersionMismatch,
)
from imagineerd.jobs import State


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: socket paths are limited to 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="im-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def daemon(folder: Path) -> Iterator[FakeDaemon]:
    with FakeDaemon(folder, Deck().answers()) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: FakeDaemon) -> Iterator[Client]:
    with Client(daemon.endpoints, timeout=5) as client:
        yield client


def start_of(events: Iterator[Any]) -> protocol.Snapshot | protocol.Resume:
    """Return the next snapshot or resume."""
    return next(message for message in events if isinstance(message, protocol.Snapshot | protocol.Resume))


def numbers(events: Iterator[Any], count: int) -> list[int]:
    """Return the numbers of the next events."""
    found = (message.seq for message in events if isinstance(message, Event))
    return [next(found) for _ in range(count)]


# ---------------------------------------------------------------- following


def test_one_who_follows_finds_a_daemon_that_was_away_for_long(
    monkeypatch: pytest.MonkeyPatch, daemon: FakeDaemon
) -> None:
    """Each try to connect is a note in a monitor, also in that of a line that nobody waits for; libzmq keeps 2,000.

    A note has two frames, and there are two lines.
    """
    notes: list[bytes] = []
    receive = dealer._receive

    def noting(sock: zmq.Socket[bytes]) -> list[bytes] | None:
        found = receive(sock)
        notes.extend(found or ())
        return found

    monkeypatch.setattr(dealer, "RECONNECT_MS", 1)
    monkeypatch.setattr(dealer, "_receive", noting)
    with Client(daemon.endpoints) as client, concurrent.futures.ThreadPoolExecutor() as pool:
        client.hello()
        events = client.events()
        start_of(events)
        back = pool.submit(start_of, events)
        daemon.go_away()
        wait_until(lambda: len(notes) > 2 * 2 * 2500)
        daemon.come_back()

        assert isinstance(back.result(WAIT_S), protocol.Resume)


# ---------------------------------------------------------------- watching


def preview(job: int, step: int) -> protocol.Preview:
    return protocol.Preview(job=job, batch=BATCH, slot=1, step=step, steps=9, width=1, height=1, rgb=b"rgb")


def test_previews_come_from_who_is_asked_for_them(client: Client, daemon: FakeDaemon) -> None:
    previews = client.previews(protocol.WatchPreviews(batch=BATCH, max_side=32))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(next, previews)
        daemon.wait_for(lambda: len(daemon.watchers) == 1)
        daemon.preview(preview(1, 3))

        assert first.result(WAIT_S) == preview(1, 3)
    assert daemon.last(protocol.WatchPreviews) == protocol.WatchPreviews(batch=BATCH, max_side=32)


def test_of_a_job_that_was_not_looked_at_in_time_the_newest_preview_is_kept(daemon: FakeDaemon) -> None:
    async def watch() -> list[tuple[int, int]]:
        async with AsyncClient(daemon.endpoints) as client, contextlib.aclosing(client.previews()) as previews:
            first = asyncio.create_task(anext(previews))
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.watchers) == 1)
            for job, step in ((1, 1), (1, 2), (2, 1), (1, 3)):
                daemon.preview(preview(job, step))
            found = [await first]
            while (2, 1) not in [(shown.job, shown.step) for shown in found] or found[-1].step < 3:
                found.append(await anext(previews))
            return [(shown.job, shown.step) for shown in found]

    shown = asyncio.run(watch())
    assert shown[-1] == (1, 3)
    assert (2, 1) in shown


def test_a_watcher_goes_on_when_the_daemon_is_back(daemon: FakeDaemon) -> None:
    async def watch() -> protocol.Preview:
        async with AsyncClient(daemon.endpoints) as client, contextlib.aclosing(client.previews()) as previews:
            first = asyncio.create_task(anext(previews))
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.watchers) == 1)
            await asyncio.to_thread(daemon.restart)
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.watchers) == 2)
            daemon.preview(preview(1, 5))
            return await first

    assert asyncio.run(watch()).step == 5


def test_to_watch_a_batch_that_is_not_there_is_told(client: Client, daemon: FakeDaemon) -> None:
    daemon.answers["watch_previews"] = protocol.Error(code="E_NOT_FOUND", message="There is no batch.")

    with pytest.raises(NotFound, match="There is no batch"):
        next(client.previews(protocol.WatchPreviews(batch="x")))


# ---------------------------------------------------------------- requests


def test_a_reply_comes_as_its_struct(client: Client) -> None:
    assert client.batch("last").batch.id == BATCH


def test_hello_is_said_once_for_many_requests(client: Client, daemon: FakeDaemon) -> None:
    client.batch("last")
    client.batches()

    assert daemon.count(protocol.Hello) == 1


def test_an_error_is_raised_as_the_class_that_its_code_names(client: Client, daemon: FakeDaemon) -> None:
    problems = (Problem("72 is not divisible by 8", file="sets/config.yaml", row=7),)
    wrong = protocol.Error(code="E_INVALID", message="One thing is wrong.", field="$.set", problems=problems)
    daemon.answers["plan"] = wrong

    with pytest.raises(Invalid) as caught:
        client.plan("zodiac")

    error = caught.value
    assert (error.message, error.field, error.problems) == ("One thing is wrong.", "$.set", problems)


@pytest.mark.parametrize(
    ("code", "error"), [("E_NOT_FOUND", NotFound), ("E_CONFLICT", Conflict), ("E_DISK", DiskError)]
)
def test_every_code_has_its_class(client: Client, daemon: FakeDaemon, code: Any, error: type[Exception]) -> None:
    daemon.answers["status"] = protocol.Error(code=code, message="No.", retry="later")

    with pytest.raises(error) as caught:
        client.status()

    assert caught.value.retry == "later"  # type: ignore[attr-defined]


def test_an_answer_of_the_wrong_kind_is_an_error_of_the_protocol(client: Client, daemon: FakeDaemon) -> None:
    daemon.answers["status"] = protocol.Done()

    with pytest.raises(ProtocolError, match='wrong kind: "ok"'):
        client.status()


def test_submits_draw_a_key_of_their_own_or_take_the_caller_s(client: Client, daemon: FakeDaemon) -> None:
    client.deal("zodiac")
    client.deal("zodiac", idem="mine")

    drawn, own = (request.idem for request in daemon.asked if isinstance(request, protocol.Deal))
    assert (len(drawn), own) == (32, "mine")


def test_a_request_that_is_too_large_is_not_sent(client: Client, daemon: FakeDaemon) -> None:
    daemon.limits = protocol.Limits(body=1000)

    with pytest.raises(TooLarge, match="the daemon takes 1000"):
        client.generate("x" * 1001)

    assert daemon.count(protocol.Generate) == 0


def test_overlapping_requests_get_their_own_answers(daemon: FakeDaemon) -> None:
    daemon.answers["set"] = lambda request: protocol.SetDetail(info=protocol.SetInfo(id=request.set, name=""))
    daemon.hold("set")

    async def both() -> list[str]:
        async with AsyncClient(daemon.endpoints, timeout=5) as client:
            asks = asyncio.gather(client.show_set("a"), client.show_set("b"))
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.held) == 2)
            daemon.release()
            return [detail.info.id for detail in await asks]

    assert asyncio.run(both()) == ["a", "b"]


def test_no_more_requests_are_in_flight_than_the_daemon_takes(daemon: FakeDaemon) -> None:
    daemon.limits = protocol.Limits(inflight=2)

    async def many() -> int:
        async with AsyncClient(daemon.endpoints, timeout=5) as client:
            daemon.hold("batch")
            asks = asyncio.gather(*(client.batch("last") for _ in range(5)))
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.held) == 2)
            held = daemon.count(protocol.GetBatch)
            daemon.release()
            await asks
            return held

    assert asyncio.run(many()) == 2


def test_a_cancelled_request_leaves_nothing_behind(daemon: FakeDaemon) -> None:
    async def cancelled() -> str:
        async with AsyncClient(daemon.endpoints, timeout=5) as client:
            daemon.hold("status")
            task = asyncio.create_task(client.status())
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.held) == 1)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            daemon.release()
            return (await client.batch("last")).batch.id

    assert asyncio.run(cancelled()) == BATCH


# ---------------------------------------------------------------- away and back


def test_where_nobody_listens_the_client_knows_at_once(folder: Path) -> None:
    endpoints = Endpoints(f"ipc://{folder}/ctl.sock", f"ipc://{folder}/blob.sock")

    with Client(endpoints) as client, pytest.raises(DaemonAway, match="start it with `imagineer start`"):
        client.status()


def test_a_daemon_that_says_nothing_is_away(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagineerd.client.clients.CONNECT_S", 0.1)
    daemon.mood = "silent"

    with Client(daemon.endpoints) as client, pytest.raises(DaemonAway):
        client.status()


def test_a_daemon_that_comes_up_later_can_be_waited_for(folder: Path) -> None:
    daemon = FakeDaemon(folder)
    with Client(daemon.endpoints) as client:
        with pytest.raises(DaemonAway):
            client.hello()
        with daemon:
            assert client.hello(timeout=5).daemon == "fake"


def test_what_speaks_another_protocol_is_told_from_a_daemon(daemon: FakeDaemon) -> None:
    daemon.mood = "rubbish"

    with Client(daemon.endpoints) as client, pytest.raises(ProtocolError, match="no imagineerd"):
        client.status()


def test_another_version_is_said_to_be_one(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    old = protocol.Error(code="E_VERSION", message="This daemon speaks version 0.")
    monkeypatch.setattr(daemon, "_welcome", lambda: old)

    with Client(daemon.endpoints) as client, pytest.raises(VersionMismatch):
        client.status()


def test_a_slow_answer_is_given_up_after_the_timeout(daemon: FakeDaemon) -> None:
    daemon.hold("status")

    with Client(daemon.endpoints, timeout=0.1) as client, pytest.raises(DaemonAway, match=r"within 0\.1 seconds"):
        client.status()


def test_after_a_forgotten_session_hello_is_said_again_and_the_request_repeated(
    client: Client, daemon: FakeDaemon
) -> None:
    client.batches()
    daemon.mood = "forgetful"

    client.deal("zodiac")

    kinds = [type(request).__name__ for request in daemon.asked]
    assert kinds == ["Hello", "ListBatches", "Deal", "Hello", "Deal"]
    first, second = (request for request in daemon.asked if isinstance(request, protocol.Deal))
    assert first == second


def test_a_request_that_a_restart_swallowed_is_sent_again_with_its_key(daemon: FakeDaemon) -> None:
    async def across() -> protocol.Dealt:
        async with AsyncClient(daemon.endpoints, timeout=5) as client:
            daemon.hold("deal")
            dealing = asyncio.create_task(client.deal("zodiac"))
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.held) == 1)
            daemon.holding.clear()
            await asyncio.to_thread(daemon.restart)
            return await dealing

    assert asyncio.run(across()).batch.id == BATCH
    first, second = (request.idem for request in daemon.asked if isinstance(request, protocol.Deal))
    assert first == second


def test_a_submit_whose_reply_was_lost_is_sent_again_with_its_key(daemon: FakeDaemon) -> None:
    daemon.hold("deal")

    with Client(daemon.endpoints, timeout=0.2) as client, pytest.raises(DaemonAway):
        client.deal("zodiac")

    keys = [request.idem for request in daemon.asked if isinstance(request, protocol.Deal)]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_stop_is_never_sent_to_the_daemon_after(daemon: FakeDaemon) -> None:
    async def across() -> None:
        async with AsyncClient(daemon.endpoints, timeout=5) as client:
            daemon.hold("stop")
            stopping = asyncio.create_task(client.stop())
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.held) == 1)
            await asyncio.to_thread(daemon.restart)
            with pytest.raises(DaemonAway, match="may have done it"):
                await stopping
            daemon.holding.clear()
            await client.batches()

    asyncio.run(across())
    assert daemon.count(protocol.Stop) == 1


def test_what_was_asked_while_nobody_was_there_is_never_done_later(
    daemon: FakeDaemon, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagineerd.client.clients.CONNECT_S", 0.1)
    client.batches()
    daemon.go_away()
    with pytest.raises(DaemonAway):
        client.deal("zodiac")

    daemon.come_back()
    client.hello(timeout=5)
    client.batches()

    assert daemon.count(protocol.Deal) == 0


# ---------------------------------------------------------------- following


def test_following_begins_with_the_state_and_goes_on_with_events(client: Client, daemon: FakeDaemon) -> None:
    deck = Deck()
    events = client.events()

    assert start_of(events).seq == 0
    daemon.happen(deck.move(1, State.RUNNING), deck.finish(1))

    assert numbers(events, 2) == [1, 2]


def test_requests_go_on_while_events_wait(client: Client, daemon: FakeDaemon) -> None:
    events = client.events()
    start_of(events)
    daemon.happen(Deck().move(1, State.RUNNING))

    assert client.batches().batches[0].id == BATCH
    assert numbers(events, 1) == [1]


def test_what_happened_while_the_daemon_restarted_is_not_missed(client: Client, daemon: FakeDaemon) -> None:
    deck = Deck()
    events = client.events()
    start_of(events)
    daemon.happen(deck.move(1, State.RUNNING))
    assert numbers(events, 1) == [1]

    daemon.go_away()
    assert next(events) == Away()
    daemon.come_back()
    daemon.happen(deck.finish(1), told=False)

    assert isinstance(start_of(events), protocol.Resume)
    daemon.happen(deck.move(2, State.RUNNING))
    assert numbers(events, 2) == [2, 3]


def test_another_database_gives_a_new_snapshot(client: Client, daemon: FakeDaemon) -> None:
    events = client.events()
    start_of(events)
    daemon.happen(Deck().move(1, State.RUNNING))
    assert numbers(events, 1) == [1]

    daemon.restart(epoch="e2")

    again = start_of(events)
    assert isinstance(again, protocol.Snapshot)
    assert (again.epoch, again.seq) == ("e2", 0)


def test_a_hole_in_the_numbers_is_filled(client: Client, daemon: FakeDaemon) -> None:
    deck = Deck()
    events = client.events()
    start_of(events)

    daemon.happen(deck.move(1, State.RUNNING), told=False)
    daemon.happen(deck.finish(1))

    assert numbers(events, 2) == [1, 2]


def test_a_heartbeat_that_knows_of_more_brings_the_last_event(client: Client, daemon: FakeDaemon) -> None:
    events = client.events()
    start_of(events)

    daemon.happen(Deck().move(1, State.RUNNING), told=False)
    daemon.beside(protocol.Heartbeat(boot="b1", seq=1))

    assert numbers(events, 1) == [1]


def test_a_new_snapshot_for_a_slow_reader_is_the_new_start(client: Client, daemon: FakeDaemon) -> None:
    deck = Deck()
    events = client.events()
    start_of(events)

    for number in (1, 2, 3):
        daemon.happen(deck.move(number, State.RUNNING), told=False)
    daemon.beside(protocol.Snapshot(epoch="e1", seq=3, worker=protocol.Worker()))  # type: ignore[arg-type]
    daemon.happen(deck.finish(1))

    assert start_of(events).seq == 3
    assert numbers(events, 1) == [4]


def test_a_daemon_that_hangs_is_away_until_it_speaks_again(daemon: FakeDaemon) -> None:
    daemon.heartbeat_s = 0.02
    with Client(daemon.endpoints) as client:
        events = client.events()
        start_of(events)

        assert Away() in (next(events), next(events))
        assert isinstance(start_of(events), protocol.Resume)


def test_progress_comes_beside_the_events(client: Client, daemon: FakeDaemon) -> None:
    events = client.events()
    start_of(events)
    tick = protocol.Tick(job=1, batch=BATCH, slot=1, step=2, steps=4)

    daemon.beside(tick)

    assert next(events) == tick


def test_following_can_go_on_from_a_mark(client: Client, daemon: FakeDaemon) -> None:
    deck = Deck()
    daemon.happen(deck.move(1, State.RUNNING), deck.finish(1))

    events = client.events(since=protocol.EventMark(epoch="e1", seq=1))

    assert isinstance(start_of(events), protocol.Resume)
    assert numbers(events, 1) == [2]


def test_following_where_nobody_listens_fails_at_once(folder: Path) -> None:
    endpoints = Endpoints(f"ipc://{folder}/ctl.sock", f"ipc://{folder}/blob.sock")

    with Client(endpoints) as client, pytest.raises(DaemonAway):
        next(client.events())


def test_the_asynchronous_client_follows_across_a_restart_too(daemon: FakeDaemon) -> None:
    deck = Deck()

    async def follow() -> list[str]:
        seen: list[str] = []
        async with AsyncClient(daemon.endpoints) as client, contextlib.aclosing(client.events()) as events:
            async for message in events:
                seen.append(type(message).__name__)
                if len(seen) == 1:
                    await asyncio.to_thread(daemon.happen, deck.move(1, State.RUNNING))
                elif len(seen) == 2:
                    await asyncio.to_thread(daemon.restart)
                elif len(seen) == 4:
                    await asyncio.to_thread(daemon.happen, deck.finish(1))
                elif len(seen) == 5:
                    break
        return seen

    assert asyncio.run(follow()) == ["Snapshot", "Event", "Away", "Resume", "Event"]


def test_a_client_can_be_closed_while_someone_follows(daemon: FakeDaemon) -> None:
    async def close() -> None:
        client = AsyncClient(daemon.endpoints)
        events = client.events()
        await anext(events)
        waiting = asyncio.create_task(anext(events))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(close())


# ---------------------------------------------------------------- pictures


def test_a_picture_comes_whole_in_chunks(client: Client, daemon: FakeDaemon) -> None:
    daemon.limits = protocol.Limits(chunk=1000)
    daemon.pictures[7] = bytes(range(256)) * 40

    assert client.picture(7) == daemon.pictures[7]
    assert daemon.count(protocol.BlobGet) == 11


def test_an_empty_picture_takes_no_chunk(client: Client, daemon: FakeDaemon) -> None:
    daemon.pictures[7] = b""

    assert client.picture(7) == b""


def test_four_chunks_are_in_flight_and_come_in_any_order(daemon: FakeDaemon) -> None:
    daemon.limits = protocol.Limits(chunk=100)
    daemon.pictures[7] = bytes(range(200)) * 5

    async def fetch() -> bytes:
        async with AsyncClient(daemon.endpoints, timeout=5) as client:
            daemon.hold("blob_get")
            fetching = asyncio.create_task(client.picture(7))
            await asyncio.to_thread(daemon.wait_for, lambda: len(daemon.held) == 4)
            daemon.release()
            return await fetching

    assert asyncio.run(fetch()) == daemon.pictures[7]
    assert daemon.most_chunks_held == 4


def test_a_damaged_picture_is_refused(client: Client, daemon: FakeDaemon) -> None:
    daemon.pictures[7] = b"not what it was"
    daemon.wrong_hash = True

    with pytest.raises(DiskError, match=r"The file .+ is damaged"):
        client.picture(7)


def test_a_picture_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.picture(8)


# ---------------------------------------------------------------- starting a daemon


def paths_in(folder: Path) -> Paths:
    return Paths(config_file=folder / "config.yaml", data_dir=folder / "data", runtime_dir=folder, home=folder)


def fake_command(folder: Path) -> list[str]:
    return [sys.executable, str(Path(__file__).parents[1] / "fakes.py"), f"{folder}/ctl.sock", f"{folder}/blob.sock"]


def test_a_daemon_is_started_detached_and_answers(folder: Path) -> None:
    paths = paths_in(folder)
    pid = start_daemon(paths, fake_command(folder))
    try:
        with connect(paths) as client:
            assert client.hello().daemon == "fake"
        session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3]
        assert session == str(pid)
    finally:
        subprocess.run(["kill", str(pid)], check=True)


def test_a_daemon_that_ends_before_its_starter_leaves_no_zombie(folder: Path) -> None:
    pid = start_daemon(paths_in(folder), fake_command(folder))

    os.kill(pid, signal.SIGTERM)

    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_daemon_that_does_not_start_tells_the_end_of_its_log(folder: Path) -> None:
    command = [sys.executable, "-c", "print('The disk is full.'); raise SystemExit(4)"]

    with pytest.raises(DaemonAway, match=r"did not start \(exit 4\)") as caught:
        start_daemon(paths_in(folder), command)

    assert [problem.message for problem in caught.value.problems] == ["The disk is full."]


def test_where_a_daemon_answers_none_is_started(daemon: FakeDaemon) -> None:
    started: list[int] = []

    with connect(paths_in(daemon.ctl.parent), start=True, started=started.append) as client:
        assert client.hello().boot == "b1"
    assert started == []


# ---------------------------------------------------------------- what it costs


def test_the_client_loads_nothing_heavy() -> None:
    heavy = ("torch", "textual", "rich", "sqlite3", "PIL", "numpy", "asyncio")
    code = f"import sys, imagineerd.client; print([name for name in {heavy} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded == "[]\n"
