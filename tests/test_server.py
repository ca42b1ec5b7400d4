"""The server: a real ROUTER, and DEALERs that say whatever they like."""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil
import pytest
import zmq
from house import short_folder, wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagineerd import protocol
from imagineerd.errors import VersionMismatch
from imagineerd.network.access import Access, Peer
from imagineerd.protocol import Body, Head, encode_head
from imagineerd.server import MAX_CLIENTS, Client, Reply, Server

WAIT_MS = 10_000
KINDS = frozenset(protocol.REQUESTS) - {"blob_stat", "blob_get"}
WELCOME = protocol.Welcome(proto=1, daemon="test", epoch="e", boot="b")


class Served:
    """A server in a thread with a loop of its own.

    It answers `themes` at once, `retry` from a thread, `status` once `release` was called, `batches` with 100,000
    bytes, and fails at `doctor`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ctl.sock"
        self.asked: queue.SimpleQueue[protocol.Request[Any]] = queue.SimpleQueue()
        self.server: Server
        self._stopped: asyncio.Event
        self._released: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._released.set)
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def release(self) -> None:
        """Let `status` be answered."""
        self._loop.call_soon_threadsafe(self._released.set)

    async def _run(self) -> None:
        self._loop, self._stopped, self._released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.server = Server(context, self.path, KINDS, self._answer, Access(self.path.parent / "keys"))
        serving = asyncio.create_task(self.server.serve())
        self._up.set()
        await asyncio.wait([serving, asyncio.create_task(self._stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        await self.server.close()
        context.term()

    async def _answer(self, request: protocol.Request[Any], client: Client, _rid: int) -> Reply | None:
        self.asked.put(request)
        match request:
            case protocol.Hello():
                if request.proto_min > protocol.VERSION:
                    raise VersionMismatch("Update the older of the two.")
                return Reply(msgspec.structs.replace(WELCOME, uid=client.peer.uid, pid=client.peer.pid))
            case protocol.GetStatus():
                await self._released.wait()
            case protocol.RunDoctor():
                raise RuntimeError("a fault of ours")
            case protocol.ListBatches():
                return Reply(protocol.Themes(themes=("x" * 100_000,), seed=1))
            case protocol.RetryJobs():
                await asyncio.to_thread(int)
            case protocol.MakeThemes():
                return Reply(protocol.Themes(themes=(), seed=request.seed or 0))
        return Reply(protocol.Done())


class Dealer:
    """A client without any manners of its own."""

    def __init__(self, served: Served) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, WAIT_MS)
        self.socket.setsockopt(zmq.SNDTIMEO, WAIT_MS)
        self.socket.connect(f"ipc://{served.path}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def send(self, kind: str, body: Any = None, rid: int = 1) -> None:
        """Send a request whose body need not be right."""
        frame = body if isinstance(body, bytes) else msgspec.msgpack.encode(body or {})
        self.socket.send_multipart([encode_head(Head(1, kind, rid)), frame])

    def receive(self) -> tuple[Head, Body]:
        """Return the next message."""
        head, body, *_ = self.socket.recv_multipart()
        read = protocol.decode_head(head)
        message = protocol.decode_from_daemon(read.kind, body)
        assert message is not None
        return read, message

    def ask(self, kind: str, body: Any = None, rid: int = 1) -> Body:
        """Send a request and return the next message, which must answer it."""
        self.send(kind, body, rid)
        head, message = self.receive()
        assert head.rid == rid
        return message

    def code(self, kind: str, body: Any = None) -> str:
        """Send a request and return the code it is refused with."""
        error = self.ask(kind, body)
        assert isinstance(error, protocol.Error)
        return error.code

    def answered(self) -> None:
        """Make sure that the server answers, however much rubbish it answers first."""
        nonce = int.from_bytes(os.urandom(4)) + 1
        self.send("hello", rid=1)
        self.send("themes", {"seed": nonce})
        wait_until(lambda: self.receive()[1] == protocol.Themes(themes=(), seed=nonce))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One server for all tests, which none of them may kill."""
    folder = short_folder()
    with Served(folder) as served:
        yield served
    shutil.rmtree(folder)


@pytest.fixture
def fresh() -> Iterator[Served]:
    """A server of its own."""
    folder = short_folder()
    with Served(folder) as served:
        yield served
    shutil.rmtree(folder)


@pytest.fixture
def dealer(served: Served) -> Iterator[Dealer]:
    """A client that has said nothing yet."""
    with Dealer(served) as dealer:
        yield dealer


@pytest.fixture
def greeted(dealer: Dealer) -> Dealer:
    """A client that was welcomed."""
    assert isinstance(dealer.ask("hello"), protocol.Welcome)
    return dealer


# ---------------------------------------------------------------- session


def test_hello_comes_first(dealer: Dealer) -> None:
    assert dealer.code("themes") == "E_HELLO"


def test_whoever_was_refused_for_his_haste_may_still_say_hello(dealer: Dealer) -> None:
    dealer.code("themes")

    assert isinstance(dealer.ask("hello"), protocol.Welcome)
    assert isinstance(dealer.ask("themes"), protocol.Themes)


def test_the_socket_tells_who_speaks(dealer: Dealer) -> None:
    welcome = dealer.ask("hello")

    assert isinstance(welcome, protocol.Welcome)
    assert (welcome.uid, welcome.pid) == (os.getuid(), os.getpid())


def test_hello_may_be_said_again(greeted: Dealer) -> None:
    assert isinstance(greeted.ask("hello"), protocol.Welcome)


def test_a_request_of_a_later_version_is_answered_as_far_as_it_is_understood(greeted: Dealer) -> None:
    head = msgspec.msgpack.encode([1, "themes", 7, 0, {"deadline": 5}, "of tomorrow"])
    body = msgspec.msgpack.encode({"seed": 7, "of_tomorrow": [1, {"two": None}]})
    greeted.socket.send_multipart([head, body, b"a frame of tomorrow"])

    assert greeted.receive() == (Head(1, "themes_are", 7), protocol.Themes(themes=(), seed=7))


def test_without_a_version_in_common_there_is_no_session(dealer: Dealer) -> None:
    assert dealer.code("hello", {"proto_min": 7, "proto_max": 9}) == "E_VERSION"
    assert dealer.code("themes") == "E_HELLO"


def test_the_socket_belongs_to_its_owner_alone(served: Served) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


def test_who_leaves_is_not_remembered_for_ever(fresh: Served) -> None:
    stranger = Client(b"gone", Peer("admin"))
    fresh.server.clients.update({number.to_bytes(4): stranger for number in range(MAX_CLIENTS)})
    with Dealer(fresh) as dealer:
        dealer.answered()
        dealer.answered()

        assert len(fresh.server.clients) == MAX_CLIENTS


# ---------------------------------------------------------------- refusals


def test_an_unknown_kind_is_refused_with_the_nearest_known_one(greeted: Dealer) -> None:
    error = greeted.ask("statsu", rid=77)

    assert isinstance(error, protocol.Error)
    assert error.code == "E_UNKNOWN_KIND"
    assert error.message == 'This socket knows no request "statsu". Did you mean "status"?'


def test_pictures_are_not_served_on_the_control_socket(greeted: Dealer) -> None:
    assert greeted.code("blob_stat", {"take": 1}) == "E_UNKNOWN_KIND"


def test_a_wrong_value_is_refused_with_its_path(greeted: Dealer) -> None:
    error = greeted.ask("deal", {"idem": "k", "set": "tarot", "settings": {"steps": 151}})

    assert isinstance(error, protocol.Error)
    assert (error.code, error.field) == ("E_INVALID", "$.settings.steps")
    assert error.message == "Expected `int` <= 150 ($.settings.steps)."


def test_a_body_over_the_limit_is_refused_and_the_session_goes_on(greeted: Dealer) -> None:
    assert greeted.code("themes", b"\x00" * (protocol.MAX_BODY + 1)) == "E_TOO_LARGE"
    assert isinstance(greeted.ask("themes"), protocol.Themes)


def test_a_head_over_the_limit_is_refused_unread(dealer: Dealer) -> None:
    dealer.socket.send_multipart([encode_head(Head(1, "x" * 5000)), b"\x80"])

    _, error = dealer.receive()
    assert isinstance(error, protocol.Error)
    assert error.code == "E_TOO_LARGE"


def test_a_frame_over_the_limit_of_the_socket_costs_its_sender_the_connection_and_nobody_else(
    served: Served, greeted: Dealer
) -> None:
    with Dealer(served) as giant:
        giant.send("themes", b"\x00" * (2 * 1024 * 1024))

        assert isinstance(greeted.ask("themes"), protocol.Themes)


def test_a_body_that_is_no_map_is_refused(greeted: Dealer) -> None:
    assert greeted.code("deal", b"\xc1") == "E_PROTO"


def test_a_fault_of_ours_is_answered_without_its_details(greeted: Dealer) -> None:
    error = greeted.ask("doctor")

    assert isinstance(error, protocol.Error)
    assert (error.code, error.message) == ("E_INTERNAL", "The daemon failed at this request; its log says how.")


def test_too_many_unanswered_requests_are_refused_until_some_are_answered(fresh: Served) -> None:
    with Dealer(fresh) as dealer:
        dealer.ask("hello")
        for rid in range(1, protocol.MAX_INFLIGHT + 2):
            dealer.send("status", rid=rid)
        head, error = dealer.receive()

        assert isinstance(error, protocol.Error)
        assert (head.rid, error.code, error.retry) == (protocol.MAX_INFLIGHT + 1, "E_FULL", "later")

        fresh.release()
        assert {dealer.receive()[0].rid for _ in range(protocol.MAX_INFLIGHT)} == set(
            range(1, protocol.MAX_INFLIGHT + 1)
        )
        assert isinstance(dealer.ask("themes"), protocol.Themes)


# ---------------------------------------------------------------- side by side


def test_control_is_answered_while_a_slow_request_is_in_hand(fresh: Served) -> None:
    with Dealer(fresh) as dealer:
        dealer.ask("hello")
        dealer.send("status", rid=5)

        assert isinstance(dealer.ask("themes", rid=6), protocol.Themes)
        fresh.release()
        assert dealer.receive()[0].rid == 5


def test_every_request_of_a_flood_is_answered(greeted: Dealer) -> None:
    for rid in range(1, 1001):
        greeted.send("themes", {"seed": rid}, rid)

    answers = [greeted.receive() for _ in range(1000)]
    assert [(head.rid, body.seed) for head, body in answers if isinstance(body, protocol.Themes)] == [
        (rid, rid) for rid in range(1, 1001)
    ]


def test_one_who_never_reads_stops_nobody_and_memory_stays_bounded(fresh: Served) -> None:
    with Dealer(fresh) as deaf, Dealer(fresh) as other:
        deaf.socket.setsockopt(zmq.RCVHWM, 1)
        deaf.ask("hello")
        other.ask("hello")
        for _ in range(6):
            for rid in range(1000):
                deaf.send("themes", {"seed": rid}, rid)
            assert isinstance(other.ask("themes"), protocol.Themes)
        wait_until(lambda: fresh.server.clients and any(client.deaf for client in fresh.server.clients.values()))
        before = psutil.Process().memory_info().rss
        for _ in range(50):
            for rid in range(200):
                deaf.send("batches", rid=rid)
            assert isinstance(other.ask("themes"), protocol.Themes)

        wait_until(lambda: fresh.asked.qsize() >= 16_000)
        # Ten thousand replies of 100,000 bytes would be a gigabyte.
        assert psutil.Process().memory_info().rss - before < 100e6


def test_one_who_leaves_while_he_is_answered_harms_nobody(fresh: Served) -> None:
    with Dealer(fresh) as other:
        other.ask("hello")
        with Dealer(fresh) as leaver:
            leaver.ask("hello")
            leaver.send("status")
            wait_until(lambda: any(client.inflight for client in fresh.server.clients.values()))
        fresh.release()

        assert isinstance(other.ask("themes"), protocol.Themes)


# ---------------------------------------------------------------- rubbish

heads = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda kind, rid, tail: msgspec.msgpack.encode([1, kind, rid, *tail]),
        st.sampled_from(sorted(KINDS - {"status"})) | st.text(max_size=8),
        st.integers(-(2**63), 2**64 - 1),
        st.lists(st.none() | st.integers(0, 5) | st.text(max_size=3), max_size=3),
    ),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["idem", "set", "theme", "settings", "cards", "batch", "slots", "jobs", "since", "seed", "key"]
)
bodies = st.one_of(
    st.binary(max_size=100),
    values.map(msgspec.msgpack.encode),
    st.dictionaries(fields, values, max_size=4).map(msgspec.msgpack.encode),
)
messages = st.one_of(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    st.builds(lambda head, body, rest: [head, body, *rest], heads, bodies, st.lists(st.binary(max_size=9), max_size=2)),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages, min_size=1, max_size=5))
def test_whatever_is_sent_the_server_goes_on_answering(dealer: Dealer, rubbish: list[list[bytes]]) -> None:
    for frames in rubbish:
        dealer.socket.send_multipart(frames)

    dealer.answered()


@pytest.mark.parametrize("body", [b"\x91" * 200_000, b"\x81\xa1a" * 80_000, b"\xdd\xff\xff\xff\xff"])
def test_a_hostile_body_is_refused_like_any_other(greeted: Dealer, body: bytes) -> None:
    assert greeted.code("deal", body) in {"E_PROTO", "E_INVALID"}


def test_of_many_requests_in_flight_none_is_left_lying(served: Served) -> None:
    """ZMQ_FD tells only once of what can be read, and a reply that is sent in between uses that up."""
    with Dealer(served) as dealer:
        dealer.ask("hello")
        for rid in range(1, 201):
            dealer.send("retry", rid=rid)
        answered = [dealer.receive()[0].rid]
        for rid in range(201, 3001):
            dealer.send("retry", rid=rid)
            answered.append(dealer.receive()[0].rid)
        answered += [dealer.receive()[0].rid for _ in range(199)]

    assert sorted(answered) == list(range(1, 3001))
