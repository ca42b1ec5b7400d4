"""The one thread that owns the database connection, and its group commit.

Work is a function of the connection. The thread takes all that waits, runs each piece in a savepoint of one
transaction, commits once, and only then wakes the callers: one fsync serves everybody who waits for it. A piece that
fails rolls back alone. The events of a commit are announced in the event loop before its callers go on.

Work may be run twice before it is committed (when the group around it fails): it has no effect but on the connection.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from imagineerd.errors import DiskError, Draining
from imagineerd.store import outbox
from imagineerd.store.outbox import StoredEvent

T = TypeVar("T")
OnEvents: TypeAlias = Callable[[Sequence[StoredEvent]], None]

MAX_GROUP: Final = 512
"""Pieces of work in one transaction; bounds how long the first of them waits."""

_DISK_TROUBLE: Final = {
    sqlite3.SQLITE_FULL: "The disk is full: nothing was saved. Free some space and try again.",
    sqlite3.SQLITE_READONLY: "The database is read-only: nothing was saved. Check the data folder.",
    sqlite3.SQLITE_IOERR: "The disk fails: nothing was saved. Check the disk of the data folder.",
    sqlite3.SQLITE_CANTOPEN: "A file of the database cannot be opened. Check the data folder.",
    sqlite3.SQLITE_CORRUPT: "The database is damaged. Restore the data folder from a backup.",
}


@dataclass(slots=True)
class Work:
    """One piece of work and who waits for it; `alone` is one that needs to stand outside of a transaction."""

    run: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None
    alone: bool = False


def announce_nothing(_events: Sequence[StoredEvent]) -> None:
    """Stand in for `on_events` until somebody listens."""


class Writer:
    """The thread. All calls come from one event loop; `on_events` is called in it, once per commit, in order."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.on_events: OnEvents = announce_nothing
        self._connection = connection
        self._announced = outbox.newest(connection)
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T], *, alone: bool = False) -> T:
        """Run `work` in the next transaction; return its result once that is on the disk.

        With `alone` it runs outside of any, in its turn; the events of a transaction of its own are announced, too.

        Raises what `work` raised, `DiskError` where the disk failed (nothing was saved), `Draining` after `close`.
        A caller that is cancelled stops waiting; its work is done all the same.
        """
        if self._closed:
            raise Draining("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(Work(work, future, alone=alone))
        return await future

    def close(self) -> None:
        """Do what waits, then end the thread and empty the write-ahead log. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        with suppress(sqlite3.Error):  # a log that stays is read at the next start
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _serve(self) -> None:
        more = True
        while more:
            group, more = take_group(self._queue)
            for part in parts(group):
                self._do(part)

    def _do(self, group: list[Work]) -> None:
        if group[0].alone:
            self._do_outside(group[0])
            return
        try:
            events = commit(self._connection, group, self._announced)
        except Exception as error:  # noqa: BLE001  whatever it is, the callers hear of it and the thread lives
            self._do_alone(group, error)
            return
        self._announced = events[-1].seq if events else self._announced
        self._wake(group, events)

    def _do_alone(self, group: list[Work], error: Exception) -> None:
        """Give each piece a transaction of its own after that of the group was lost."""
        if len(group) > 1:
            for work in group:
                self._do([work])
        else:
            group[0].error = error
            self._wake(group, ())

    def _do_outside(self, work: Work) -> None:
        events: Sequence[StoredEvent] = ()
        try:
            work.result = work.run(self._connection)
            events = outbox.after(self._connection, self._announced)
        except Exception as error:  # noqa: BLE001  as in `_do`
            work.error = error
        self._announced = events[-1].seq if events else self._announced
        self._wake([work], events)

    def _wake(self, group: list[Work], events: Sequence[StoredEvent]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            group[0].future.get_loop().call_soon_threadsafe(self._settle, group, events)

    def _settle(self, group: list[Work], events: Sequence[StoredEvent]) -> None:
        try:
            if events:
                self.on_events(events)
        finally:
            for work in group:
                settle(work)


def take_group(waiting: queue.SimpleQueue[Work | None]) -> tuple[list[Work], bool]:
    """Wait for work, then take all there is, up to `MAX_GROUP`; False once the end mark (None) was met."""
    group: list[Work] = []
    work = waiting.get()
    while work is not None:
        group.append(work)
        if len(group) == MAX_GROUP or waiting.empty():
            return group, True
        work = waiting.get()
    return group, False


def parts(group: Sequence[Work]) -> Iterator[list[Work]]:
    """Split a group, in its order, so that what needs to stand alone does."""
    for alone, works in itertools.groupby(group, key=lambda work: work.alone):
        together = list(works)
        yield from ([work] for work in together) if alone else [together]


def commit(connection: sqlite3.Connection, group: Sequence[Work], announced: int) -> Sequence[StoredEvent]:
    """Run a group in one transaction; return the events it committed, those numbered above `announced`.

    Raises where the transaction as a whole was lost; then nothing of it happened.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for work in group:
            attempt(connection, work)
        events = outbox.after(connection, announced)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return events


def attempt(connection: sqlite3.Connection, work: Work) -> None:
    """Run one piece of work in a savepoint; what it raises is kept in `work.error` and rolls back it alone."""
    connection.execute("SAVEPOINT work")
    try:
        work.result, work.error = work.run(connection), None
    except Exception as error:
        if not connection.in_transaction:  # SQLite gave up the whole transaction, as on a full disk
            raise
        work.error = error
        connection.execute("ROLLBACK TO work")
    connection.execute("RELEASE work")


def settle(work: Work) -> None:
    """Hand a finished piece of work to its caller, if it still waits. Runs in the event loop."""
    if work.future.done():
        return
    if work.error is None:
        work.future.set_result(work.result)
    else:
        work.future.set_exception(in_words(work.error))


def in_words(error: Exception) -> Exception:
    """Return the `DiskError` for trouble with the disk, any other error as it is."""
    if not isinstance(error, sqlite3.Error):
        return error
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    sentence = _DISK_TROUBLE.get(primary)
    if sentence is None:
        return error
    trouble = DiskError(sentence)
    trouble.__cause__ = error
    return trouble
