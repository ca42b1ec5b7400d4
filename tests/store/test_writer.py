"""The writer thread: group commit, isolation, announcements, a full disk."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagineerd.errors import DiskError, Draining
from imagineerd.protocol import PickChanged
from imagineerd.store import outbox, schema
from imagineerd.store.writer import MAX_GROUP, Writer

PAYLOAD = "x" * 3000


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(schema.open_database(tmp_path / "queue.db"))
    yield writer
    writer.close()


def play(scene: Callable[[], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await scene()

    return asyncio.run(run())


def note(connection: sqlite3.Connection, key: str, value: str = "") -> str:
    connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))
    return key


def notes(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT key FROM meta WHERE key <> 'epoch' ORDER BY key")
    return [key for (key,) in rows]


def say(connection: sqlite3.Connection, number: int) -> int:
    outbox.append(connection, PickChanged(batch="b", slot=1, take=number), 1.0)
    return number


class Gate:
    """Keeps the thread busy until it is opened, so that what follows is one group."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()

    @classmethod
    async def before(cls, writer: Writer) -> Gate:
        gate = cls()
        gate._task = asyncio.ensure_future(writer.run(gate._hold))
        await asyncio.sleep(0)
        assert gate._reached.wait(20)
        return gate

    async def gather(self, *works: Awaitable[Any]) -> list[Any]:
        tasks = [asyncio.ensure_future(work) for work in works]
        await asyncio.sleep(0)  # every work is in the queue now
        self._open.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    def _hold(self, _connection: sqlite3.Connection) -> None:
        self._reached.set()
        assert self._open.wait(20)


def fail_after_writing(connection: sqlite3.Connection) -> None:
    note(connection, "half-done")
    say(connection, 99)
    raise ValueError("no")


def test_work_returns_its_result(writer: Writer) -> None:
    assert play(lambda: writer.run(lambda connection: note(connection, "a"))) == "a"


def test_what_is_returned_is_on_the_disk(writer: Writer, tmp_path: Path) -> None:
    async def scene() -> list[str]:
        await writer.run(lambda connection: note(connection, "a"))
        other = sqlite3.connect(tmp_path / "queue.db")
        try:
            return notes(other)
        finally:
            other.close()

    assert play(scene) == ["a"]


def test_work_that_waits_together_is_committed_together(writer: Writer) -> None:
    commits: list[list[int]] = []
    writer.on_events = lambda events: commits.append([event.seq for event in events])

    async def scene() -> None:
        gate = await Gate.before(writer)
        await gate.gather(*(writer.run(lambda c, n=n: say(c, n)) for n in range(5)))

    play(scene)

    assert commits == [[1, 2, 3, 4, 5]]


def test_a_group_has_an_upper_size(writer: Writer) -> None:
    sizes: list[int] = []
    writer.on_events = lambda events: sizes.append(len(events))

    async def scene() -> None:
        gate = await Gate.before(writer)
        await gate.gather(*(writer.run(lambda c: say(c, 1)) for _ in range(MAX_GROUP + 10)))

    play(scene)

    assert sizes == [MAX_GROUP, 10]


def test_work_that_fails_rolls_back_alone_and_gets_its_error(writer: Writer) -> None:
    async def scene() -> Any:
        gate = await Gate.before(writer)
        results = await gate.gather(
            writer.run(lambda c: note(c, "before")),
            writer.run(fail_after_writing),
            writer.run(lambda c: note(c, "after")),
        )
        return results, await writer.run(notes)

    (before, error, after), kept = play(scene)

    assert (before, str(error), after) == ("before", "no", "after")
    assert kept == ["after", "before"]


def test_event_numbers_have_no_gap_where_work_failed(writer: Writer) -> None:
    seqs: list[int] = []
    writer.on_events = lambda events: seqs.extend(event.seq for event in events)

    async def scene() -> None:
        await writer.run(lambda c: say(c, 1))
        with pytest.raises(ValueError, match="no"):
            await writer.run(fail_after_writing)
        await writer.run(lambda c: say(c, 2))

    play(scene)

    assert seqs == [1, 2]


def test_events_are_announced_before_the_caller_goes_on_and_in_the_loop_thread(writer: Writer) -> None:
    story: list[str] = []
    threads = set()

    def announce(events: Any) -> None:
        threads.add(threading.current_thread())
        story.extend(f"event {event.seq}" for event in events)

    async def call(number: int) -> None:
        await writer.run(lambda c: say(c, number))
        story.append(f"caller {number}")

    async def scene() -> None:
        for number in (1, 2):
            await call(number)

    writer.on_events = announce
    play(scene)

    assert story == ["event 1", "caller 1", "event 2", "caller 2"]
    assert threads == {threading.main_thread()}


def test_a_commit_without_events_announces_nothing(writer: Writer) -> None:
    called: list[Any] = []
    writer.on_events = called.append

    play(lambda: writer.run(lambda c: note(c, "a")))

    assert called == []


def test_a_listener_that_fails_does_not_strand_the_callers(writer: Writer) -> None:
    def announce(_events: Any) -> None:
        raise RuntimeError("listener")

    async def scene() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        return await asyncio.wait_for(writer.run(lambda c: say(c, 7)), 20)

    writer.on_events = announce

    assert play(scene) == 7


def test_a_caller_that_is_cancelled_stops_waiting_and_its_work_is_done(writer: Writer) -> None:
    async def scene() -> list[str]:
        gate = await Gate.before(writer)
        waiting = asyncio.ensure_future(writer.run(lambda c: note(c, "a")))
        await asyncio.sleep(0)
        waiting.cancel()
        await gate.gather(writer.run(lambda c: note(c, "b")))
        return await writer.run(notes)

    assert play(scene) == ["a", "b"]


def fill_the_disk(connection: sqlite3.Connection) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def free_the_disk(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count = 1073741823")


def test_a_full_disk_is_told_in_a_sentence_and_the_writer_lives(writer: Writer) -> None:
    async def scene() -> list[str]:
        await writer.run(fill_the_disk)
        with pytest.raises(DiskError, match="The disk is full: nothing was saved"):
            await writer.run(lambda c: note(c, "big", PAYLOAD * 100))
        await writer.run(free_the_disk)
        await writer.run(lambda c: note(c, "small"))
        return await writer.run(notes)

    assert play(scene) == ["small"]


def test_on_a_full_disk_reads_in_the_same_group_are_answered(writer: Writer) -> None:
    async def scene() -> list[Any]:
        await writer.run(fill_the_disk)
        gate = await Gate.before(writer)
        return await gate.gather(
            writer.run(notes), writer.run(lambda c: note(c, "big", PAYLOAD * 100)), writer.run(notes)
        )

    before, error, after = play(scene)

    assert before == after == []
    assert isinstance(error, DiskError)


def test_a_read_only_database_is_told_in_a_sentence(writer: Writer) -> None:
    async def scene() -> None:
        await writer.run(lambda c: c.execute("PRAGMA query_only = 1"))
        with pytest.raises(DiskError, match="read-only"):
            await writer.run(lambda c: note(c, "a"))

    play(scene)


def test_when_a_group_is_lost_each_work_is_tried_alone(writer: Writer) -> None:
    def lose_the_transaction(connection: sqlite3.Connection) -> None:
        note(connection, "lost")
        connection.execute("ROLLBACK")
        raise ValueError("lost")

    async def scene() -> Any:
        gate = await Gate.before(writer)
        results = await gate.gather(
            writer.run(lambda c: note(c, "a")),
            writer.run(lose_the_transaction),
            writer.run(lambda c: note(c, "b")),
        )
        return [str(result) for result in results], await writer.run(notes)

    assert play(scene) == (["a", "lost", "b"], ["a", "b"])


def test_an_error_that_is_not_the_disks_comes_as_it_is(writer: Writer) -> None:
    async def scene() -> None:
        with pytest.raises(sqlite3.IntegrityError):
            await writer.run(lambda c: note(c, "epoch"))

    play(scene)


def test_close_does_what_waits_first(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"

    async def scene() -> None:
        writer = Writer(schema.open_database(path))
        tasks = [asyncio.ensure_future(writer.run(lambda c, n=n: note(c, f"{n:03}"))) for n in range(100)]
        await asyncio.sleep(0)
        writer.close()
        assert await asyncio.gather(*tasks) == [f"{n:03}" for n in range(100)]

    play(scene)

    connection = schema.open_database(path)
    assert len(notes(connection)) == 100
    connection.close()


def test_close_empties_the_log_and_may_be_called_twice(tmp_path: Path) -> None:
    writer = Writer(schema.open_database(tmp_path / "queue.db"))
    play(lambda: writer.run(lambda c: note(c, "a")))
    writer.close()
    writer.close()

    assert [path.name for path in tmp_path.iterdir()] == ["queue.db"]


def test_after_close_work_is_refused(writer: Writer) -> None:
    writer.close()

    with pytest.raises(Draining, match="closed"):
        play(lambda: writer.run(notes))


def test_work_whose_loop_is_gone_is_still_done(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    writer = Writer(schema.open_database(path))
    loop = asyncio.new_event_loop()
    task = loop.create_task(writer.run(lambda c: note(c, "a")))
    loop.call_soon(loop.stop)
    loop.run_forever()
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    writer.close()

    connection = schema.open_database(path)
    assert notes(connection) == ["a"]
    connection.close()


# ---------------------------------------------------------------- alone


def test_what_stands_alone_runs_in_its_turn_and_outside_of_a_transaction(writer: Writer) -> None:
    async def scene() -> list[Any]:
        gate = await Gate.before(writer)
        return await gate.gather(
            writer.run(lambda connection: note(connection, "before")),
            writer.run(lambda connection: (connection.in_transaction, notes(connection)), alone=True),
            writer.run(lambda connection: note(connection, "later")),
        )

    assert play(scene) == ["before", (False, ["before"]), "later"]


def test_what_fails_alone_takes_nobody_with_it(writer: Writer) -> None:
    async def scene() -> list[Any]:
        gate = await Gate.before(writer)
        return await gate.gather(
            writer.run(lambda connection: note(connection, "before")),
            writer.run(fail_after_writing, alone=True),
            writer.run(lambda connection: note(connection, "later")),
        )

    before, failed, later = play(scene)
    assert (before, later) == ("before", "later")
    assert isinstance(failed, ValueError)
