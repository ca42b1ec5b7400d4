"""Both clients: `Client` blocks, `AsyncClient` awaits.

Each request is described once, in `asks`. How an answer is waited for is described once too: a generator that
yields how long to wait at most (`Steps`), which `Client` drives by blocking and `AsyncClient` by awaiting.
"""

from __future__ import annotations

import functools
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, ParamSpec, Self, TypeAlias, TypeVar, cast, overload

import zmq

from imagineerd.client import asks
from imagineerd.client.dealer import Curve, Line
from imagineerd.client.following import Followed, Following, Stream, Watching
from imagineerd.client.session import Reply, Session
from imagineerd.errors import DaemonAway, DiskError
from imagineerd.protocol import (
    BlobGet,
    BlobInfo,
    BlobStat,
    Body,
    Chunk,
    EventMark,
    Preview,
    Request,
    SheetGet,
    SheetStat,
    Variant,
    WatchPreviews,
    Welcome,
)
from imagineerd.version import VERSION

if TYPE_CHECKING:
    import asyncio

    from imagineerd.config import Paths

P = ParamSpec("P")
R = TypeVar("R", bound=Body)
S = TypeVar("S", bound=Session)
T = TypeVar("T")
Steps: TypeAlias = Generator[float, None, T]
"""Something that takes waiting: it yields seconds to wait at most until anything happens, and returns its result."""

CONNECT_S: Final = 2.0
"""Seconds without a session after which a daemon counts as away."""
REQUEST_S: Final = 30.0
CHUNKS_IN_FLIGHT: Final = 4
WATCH_ALL: Final = WatchPreviews()
SILENT_BEATS: Final = 4
"""Heartbeats that may fail to come before a daemon counts as away."""


class Fetch(NamedTuple):
    """How a file is fetched: what tells of it, and what makes the request of a chunk."""

    stat: Request[BlobInfo]
    chunk: Callable[..., Request[Chunk]]


class Endpoints(NamedTuple):
    """The daemon's two addresses, as libzmq writes them; the keys to it and what to call it, where it is far away."""

    ctl: str
    blob: str
    curve: Curve | None = None
    where: str = ""


def endpoints_of(paths: Paths) -> Endpoints:
    """Return the addresses of the daemon that these paths belong to."""
    return Endpoints(f"ipc://{paths.ctl_socket}", f"ipc://{paths.blob_socket}")


# ---------------------------------------------------------------- one description, two clients


class Ask(Generic[P, R]):
    """A method of both clients, made of the function that builds its request."""

    def __init__(self, build: Callable[P, Request[R]]) -> None:
        self.build = build
        functools.update_wrapper(self, build)  # type: ignore[arg-type]

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        if client is None:
            return self
        ask = client.ask

        @functools.wraps(self.build)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return ask(self.build(*args, **kwargs))

        return method


class Requests:
    """One method per request; what they take and raise stands in `asks`."""

    status = Ask(asks.status)
    doctor = Ask(asks.doctor)
    sets = Ask(asks.sets)
    show_set = Ask(asks.show_set)
    loras = Ask(asks.loras)
    lora = Ask(asks.lora)
    note_lora = Ask(asks.note_lora)
    mixes = Ask(asks.mixes)
    mix = Ask(asks.mix)
    save_mix = Ask(asks.save_mix)
    rename_mix = Ask(asks.rename_mix)
    delete_mix = Ask(asks.delete_mix)
    plan = Ask(asks.plan)
    plan_prompt = Ask(asks.plan_prompt)
    themes = Ask(asks.themes)
    deal = Ask(asks.deal)
    generate = Ask(asks.generate)
    grid = Ask(asks.grid)
    reroll = Ask(asks.reroll)
    complete = Ask(asks.complete)
    batches = Ask(asks.batches)
    batch = Ask(asks.batch)
    jobs = Ask(asks.jobs)
    queue = Ask(asks.queue)
    cancel = Ask(asks.cancel)
    retry = Ask(asks.retry)
    hold = Ask(asks.hold)
    release = Ask(asks.release)
    move = Ask(asks.move)
    set_priority = Ask(asks.set_priority)
    pause = Ask(asks.pause)
    resume = Ask(asks.resume)
    pick = Ask(asks.pick)
    take = Ask(asks.take)
    favourite = Ask(asks.favourite)
    delete = Ask(asks.delete)
    restore = Ask(asks.restore)
    trash = Ask(asks.trash)
    empty_trash = Ask(asks.empty_trash)
    search = Ask(asks.search)
    label = Ask(asks.label)
    labels = Ask(asks.labels)
    edit_label = Ask(asks.edit_label)
    restore_label = Ask(asks.restore_label)
    label_prompts = Ask(asks.label_prompts)
    build_labeler = Ask(asks.build_labeler)
    config = Ask(asks.config)
    set_config = Ask(asks.set_config)
    stop = Ask(asks.stop)

    def __init__(self, endpoints: Endpoints, *, timeout: float = REQUEST_S, name: str = "") -> None:
        self.endpoints = endpoints
        self.timeout = timeout
        self._name = name
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._lines: dict[str, Line[Session]] = {}

    def _line(self, endpoint: str) -> Line[Session]:
        if endpoint not in self._lines:
            self._lines[endpoint] = self._new_line(endpoint, Session(self._name, VERSION))
        return self._lines[endpoint]

    def _new_line(self, endpoint: str, session: S) -> Line[S]:
        return Line(self._context, endpoint, session, self.endpoints.curve, self.endpoints.where)

    def _follow(self, since: EventMark | None, ticks_hz: float) -> Line[Stream[Followed]]:
        session: Stream[Followed] = Following(since, ticks_hz, self._name, VERSION)
        return self._new_line(self.endpoints.ctl, session)

    def _watch(self, wish: WatchPreviews) -> Line[Stream[Preview]]:
        session: Stream[Preview] = Watching(wish, self._name, VERSION)
        return self._new_line(self.endpoints.ctl, session)


class Client(Requests):
    """The blocking client. Use it in one thread; close it, or use it in a `with`."""

    def __init__(self, endpoints: Endpoints, *, timeout: float = REQUEST_S, name: str = "") -> None:
        super().__init__(endpoints, timeout=timeout, name=name)
        self._driven: set[Line[Any]] = set()

    def ask(self, request: Request[R], timeout: float | None = None) -> R:
        """Send a request and return its reply. Raises what the daemon answers, `DaemonAway` after `timeout` seconds."""
        line = self._line(self.endpoints.ctl)
        return cast("R", self._drive(line, asking(line, request, timeout or self.timeout)).body)

    @classmethod
    def connect(cls, where: Paths | Endpoints, *, timeout: float | None = None, name: str = "") -> Self:
        """Return a client of a daemon that answers. Raises what `hello` raises."""
        client = cls(where if isinstance(where, Endpoints) else endpoints_of(where), name=name)
        try:
            client.hello(timeout)
        except BaseException:
            client.close()
            raise
        return client

    def hello(self, timeout: float | None = None) -> Welcome:
        """Return what the daemon said of itself.

        Raises `DaemonAway` where nobody listens, or nobody answers within 2 seconds; with a `timeout` only after so
        many seconds. Raises `VersionMismatch`.
        """
        line = self._line(self.endpoints.ctl)
        return self._drive(line, greeting(line, timeout))

    def picture(self, take_id: int, variant: Variant = "full") -> bytes:
        """Return the file of a take, checked against its hash. Raises `NotFound`, `DiskError`."""
        line = self._line(self.endpoints.blob)
        return self._drive(line, fetching(line, picture_of(take_id, variant), self.timeout))

    def sheet(self, batch_id: str) -> bytes:
        """Have the contact sheet of a grid drawn anew and return the PNG. Raises `NotFound`, `DiskError`."""
        line = self._line(self.endpoints.blob)
        return self._drive(line, fetching(line, sheet_of(batch_id), self.timeout))

    def events(self, since: EventMark | None = None, ticks_hz: float = 5.0) -> Iterator[Followed]:
        """Follow the daemon for ever, on a connection of its own: a `Snapshot` or `Resume`, then what happens.

        `Away` comes when the daemon goes; a `Resume` without a gap, or a new `Snapshot`, when it is back. Raises
        `DaemonAway` only where no daemon answers to begin with.
        """
        line = self._follow(since, ticks_hz)
        try:
            while True:
                yield self._drive(line, following(line))
        finally:
            self._close(line)

    def previews(self, wish: WatchPreviews = WATCH_ALL) -> Iterator[Preview]:
        """Watch what is being drawn, on a connection of its own, until the iterator is closed.

        While the daemon is away nothing comes. Raises `NotFound` for the batch, and `DaemonAway` where no daemon
        answers to begin with.
        """
        line = self._watch(wish)
        try:
            while True:
                yield self._drive(line, following(line))
        finally:
            self._close(line)

    def close(self) -> None:
        """Close all connections. Unfinished `events` end when their iterator goes."""
        for line in {*self._lines.values(), *self._driven}:
            self._close(line)
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _drive(self, line: Line[Any], steps: Steps[T]) -> T:
        self._driven.add(line)
        line.turn()
        try:
            while True:
                seconds = next(steps)
                for other in self._driven - {line}:
                    other.touch()
                line.wait(seconds)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            steps.close()

    def _close(self, line: Line[Any]) -> None:
        self._driven.discard(line)
        line.close()


class AsyncClient(Requests):
    """The client for an asyncio loop, the one in which it is used first; requests may overlap."""

    def __init__(self, endpoints: Endpoints, *, timeout: float = REQUEST_S, name: str = "") -> None:
        super().__init__(endpoints, timeout=timeout, name=name)
        self._watches: dict[Line[Any], _Watch] = {}

    async def ask(self, request: Request[R], timeout: float | None = None) -> R:  # noqa: ASYNC109 - as in `Client`
        """Send a request and return its reply. Raises what the daemon answers, `DaemonAway` after `timeout` seconds."""
        line = self._line(self.endpoints.ctl)
        return cast("R", (await self._drive(line, asking(line, request, timeout or self.timeout))).body)

    @classmethod
    async def connect(cls, where: Paths | Endpoints, *, timeout: float | None = None, name: str = "") -> Self:  # noqa: ASYNC109 - as in `Client`
        """Return a client of a daemon that answers. Raises what `hello` raises."""
        client = cls(where if isinstance(where, Endpoints) else endpoints_of(where), name=name)
        try:
            await client.hello(timeout)
        except BaseException:
            await client.aclose()
            raise
        return client

    async def hello(self, timeout: float | None = None) -> Welcome:  # noqa: ASYNC109 - as in `Client`
        """Return what the daemon said of itself, as `Client.hello` does."""
        line = self._line(self.endpoints.ctl)
        return await self._drive(line, greeting(line, timeout))

    async def picture(self, take_id: int, variant: Variant = "full") -> bytes:
        """Return the file of a take, checked against its hash. Raises `NotFound`, `DiskError`."""
        line = self._line(self.endpoints.blob)
        return await self._drive(line, fetching(line, picture_of(take_id, variant), self.timeout))

    async def sheet(self, batch_id: str) -> bytes:
        """Have the contact sheet of a grid drawn anew and return the PNG. Raises `NotFound`, `DiskError`."""
        line = self._line(self.endpoints.blob)
        return await self._drive(line, fetching(line, sheet_of(batch_id), self.timeout))

    async def events(self, since: EventMark | None = None, ticks_hz: float = 5.0) -> AsyncGenerator[Followed, None]:
        """Follow the daemon for ever, as `Client.events` does. Use `contextlib.aclosing` to end it early."""
        line = self._follow(since, ticks_hz)
        try:
            while True:
                yield await self._drive(line, following(line))
        finally:
            self._close(line)

    async def previews(self, wish: WatchPreviews = WATCH_ALL) -> AsyncGenerator[Preview, None]:
        """Watch what is being drawn, as `Client.previews` does. Use `contextlib.aclosing` to end it early."""
        line = self._watch(wish)
        try:
            while True:
                yield await self._drive(line, following(line))
        finally:
            self._close(line)

    async def aclose(self) -> None:
        """Close all connections; who still waits for one is cancelled."""
        for line in {*self._lines.values(), *self._watches}:
            self._close(line)
        self._context.destroy(linger=0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _drive(self, line: Line[Any], steps: Steps[T]) -> T:
        if line not in self._watches:
            self._watches[line] = _Watch(line)
        line.turn()
        try:
            while True:
                await self._watches[line].wait(next(steps))
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            steps.close()

    def _close(self, line: Line[Any]) -> None:
        if line in self._watches:
            self._watches.pop(line).close()
        line.close()


class _Watch:
    """Lets coroutines of one loop wait for a line."""

    def __init__(self, line: Line[Any]) -> None:
        from asyncio import get_running_loop  # the command line does without asyncio and starts faster

        self._line = line
        self._loop = get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()
        for descriptor in line.descriptors:
            self._loop.add_reader(descriptor, self._wake)

    async def wait(self, seconds: float) -> None:
        """Wait until something happens, `seconds` at most, and deal with it."""
        if self._line.turn():
            self._wake()
            return
        future = self._loop.create_future()
        timer = self._loop.call_later(seconds, _finish, future)
        self._waiting.add(future)
        try:
            await future
        finally:
            timer.cancel()
            self._waiting.discard(future)
        if self._line.turn():
            self._wake()

    def close(self) -> None:
        """Stop watching; who still waits is cancelled."""
        for descriptor in self._line.descriptors:
            self._loop.remove_reader(descriptor)
        for future in tuple(self._waiting):
            future.cancel()

    def _wake(self) -> None:
        self._line.touch()
        for future in tuple(self._waiting):
            _finish(future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


# ---------------------------------------------------------------- what takes waiting


def greeting(line: Line[Session], timeout: float | None = None) -> Steps[Welcome]:
    """Wait for the daemon's welcome: `timeout` seconds, or as long as there is hope."""
    start = monotonic()
    while line.session.welcome is None:
        if line.session.failure:
            raise line.session.failure
        yield _patience(line, start) if timeout is None else _time_left(line, start + timeout)
    return line.session.welcome


def asking(line: Line[Session], request: Request[Any], timeout: float) -> Steps[Reply]:
    """Send a request; return its reply."""
    return (yield from _answer(line, line.session.submit(request), timeout, remind=hasattr(request, "idem")))


def _answer(line: Line[Session], rid: int, timeout: float, *, remind: bool = False) -> Steps[Reply]:
    """Wait for the answer to a request; one that carries a key is sent once more after half of the time."""
    start = monotonic()
    end, half = start + timeout, start + timeout / 2
    try:
        while (reply := line.session.outcome(rid)) is None:
            patience = _patience(line, start)
            now = monotonic()
            if now >= end:
                raise DaemonAway(f"imagineerd is there, but did not answer within {timeout:g} seconds.")
            if remind and now >= half:
                line.session.remind(rid)
                remind = False
            yield min(patience, end - now, half - now if remind else timeout)
        return reply
    finally:
        line.session.forget(rid)


def _patience(line: Line[Any], start: float) -> float:
    """Return for how many seconds more the daemon may be away. Raises `DaemonAway`."""
    if line.away_since is None:
        return CONNECT_S
    if line.refused and not line.opened:
        raise _away(line)
    return _time_left(line, max(line.away_since, start) + CONNECT_S)


def _time_left(line: Line[Any], end: float) -> float:
    left = end - monotonic()
    if left <= 0:
        raise _away(line)
    return left


def _away(line: Line[Any]) -> DaemonAway:
    if line.shut_out and not line.opened:
        return DaemonAway(f"{line.where} hangs up: is the key that is trusted here the one that it has?")
    if line.where:
        return DaemonAway(f"No imagineerd answers on {line.where}: start it there, and see that it listens.")
    here = line.endpoint.removeprefix("ipc://")
    return DaemonAway(f"No imagineerd answers on {here}: start it with `imagineer start`.")


def picture_of(take_id: int, variant: Variant) -> Fetch:
    """Return how the file of a take is fetched."""
    return Fetch(BlobStat(take=take_id, variant=variant), functools.partial(BlobGet, take=take_id, variant=variant))


def sheet_of(batch_id: str) -> Fetch:
    """Return how the contact sheet of a grid is fetched."""
    return Fetch(SheetStat(batch=batch_id), functools.partial(SheetGet, batch=batch_id))


def fetching(line: Line[Session], fetch: Fetch, timeout: float) -> Steps[bytes]:
    """Fetch a file in chunks, a few of them in flight; check its hash."""
    info = cast("BlobInfo", (yield from asking(line, fetch.stat, timeout)).body)
    data = yield from _chunks(line, _chunk_requests(info, fetch, line.session.limits.chunk), timeout)
    if hashlib.sha256(data).hexdigest() != info.sha256:
        raise DiskError(f"The file {info.name} is damaged: its SHA-256 is not the recorded one.")
    return data


def _chunk_requests(info: BlobInfo, fetch: Fetch, size: int) -> Iterator[Request[Chunk]]:
    for offset in range(0, info.bytes, size):
        yield fetch.chunk(offset=offset, length=min(size, info.bytes - offset))


def _chunks(line: Line[Session], requests: Iterator[Request[Chunk]], timeout: float) -> Steps[bytes]:
    data = bytearray()
    rids: deque[int] = deque()
    try:
        for request in requests:
            rids.append(line.session.submit(request))
            if len(rids) == CHUNKS_IN_FLIGHT:
                data += (yield from _answer(line, rids.popleft(), timeout)).blob
        while rids:
            data += (yield from _answer(line, rids.popleft(), timeout)).blob
    finally:
        for rid in rids:
            line.session.forget(rid)
    return bytes(data)


def following(line: Line[Stream[T]]) -> Steps[T]:
    """Return the next message. Raises `DaemonAway` where there was no daemon to begin with."""
    session = line.session
    start = monotonic()
    while not session.inbox:
        if session.failure:
            raise session.failure
        if not line.opened:
            yield _patience(line, start)
        elif session.welcome:
            yield _until_silent(line)
        else:
            yield CONNECT_S
    return session.inbox.popleft()


def _until_silent(line: Line[Stream[T]]) -> float:
    """Return for how many seconds more a daemon may say nothing; one that said nothing for too long is away."""
    beats = SILENT_BEATS * (line.session.welcome.heartbeat_s if line.session.welcome else 1.0)
    left = line.heard_at + beats - monotonic()
    if left <= 0:
        line.session.fell_silent()
    return left if left > 0 else beats
