"""The sockets: decode, hand over, encode. What a request does stands in `answers`.

The loop waits for a socket to be readable, then takes all there is without blocking; nothing here ever waits for a
client. A request is answered by a task of its own, so that a slow one holds back no other.

A ZeroMQ socket's descriptor becomes readable once for all that has come (`ZMQ_FD`, zmq_getsockopt(3)), and sending
uses that up as reading does: so the socket is asked after each message that is sent, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import zmq

from imagineerd import protocol
from imagineerd.errors import (
    Code,
    Full,
    HelloRequired,
    ImagineerError,
    Invalid,
    ProtocolError,
    TooLarge,
    UnknownKind,
    WrongState,
    did_you_mean,
)
from imagineerd.logs import pairs
from imagineerd.network.access import Access, Peer, Revoked
from imagineerd.network.eviction import Door
from imagineerd.network.gate import Gate, open_to
from imagineerd.sockets import HIGH_WATER_MARK, router

log = logging.getLogger("imagineerd.server")

FRAME_LIMIT = 1024 * 1024
HEAD_LIMIT = 1024
MAX_CLIENTS = 4096
"""Sessions that are remembered: nothing tells when a client leaves. Who spoke least lately has to say hello again."""
MIN_FRAMES = 3
"""Routing id, head, body."""
DRAIN = 200
"""Messages taken in a row before other tasks get their turn."""
_FIELD = re.compile(r" - at `(\$[^`]*)`")


class Client:
    """One session: who speaks, how many of its requests are being answered, and whether it left a reply unread.

    `name` is what it calls itself in its hello.
    """

    def __init__(self, address: bytes, peer: Peer) -> None:
        self.address = address
        self.peer = peer
        self.name = ""
        self.inflight = 0
        self.deaf = False


Answer = Callable[[protocol.Request[Any], Client, int], Awaitable["Reply | None"]]


class Reply(msgspec.Struct, frozen=True):
    """A body and the raw frames behind it."""

    body: protocol.Body
    blobs: tuple[bytes, ...] = ()


class Server:
    """One ROUTER socket and its sessions."""

    def __init__(  # noqa: PLR0913 - it joins what two sockets share
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        path: Path,
        kinds: frozenset[str],
        answer: Answer,
        access: Access,
        *,
        waiting: int = HIGH_WATER_MARK,
    ) -> None:
        self.path = path
        self.clients: dict[bytes, Client] = {}
        self._kinds = kinds
        self._answer = answer
        self._access = access
        self._socket = router(context, path, FRAME_LIMIT, waiting)
        self._door: Door | None = None
        self._readable = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def open_to(self, address: str, secret: str, gate: Gate) -> None:
        """Listen on a TCP address, too, with the daemon's secret key. Raises `WrongState`."""
        gate.guard(self._socket)
        self._door = Door(self._socket)
        try:
            open_to(self._socket, address, secret)
        except zmq.ZMQError as error:
            raise WrongState(
                f"Nothing can listen on {address} ({zmq.strerror(error.errno or 0)}): change listen.tcp."
            ) from None

    async def serve(self) -> None:
        """Take messages for ever."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._look)
        try:
            self._look()
            while True:
                await self._readable.wait()
                self._readable.clear()
                self._drain()
                await asyncio.sleep(0)
        finally:
            loop.remove_reader(self._socket.fileno())

    async def close(self) -> None:
        """Answer what is in hand, then close the socket and remove its file."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.disable_monitor()
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def send(self, address: bytes, frames: Sequence[bytes]) -> bool:
        """Send to a client: False when its pipe is full. Raises `KeyError` when it is gone."""
        try:
            self._socket.send_multipart((address, *frames), zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            self.clients.pop(address, None)
            raise KeyError(address) from None
        finally:
            self._look()
        return True

    def dismiss(self) -> list[bytes]:
        """End the sessions of keys that are not authorized any more; return whose they were."""
        gone = [client.address for client in self.clients.values() if not self._access.admits(client.peer)]
        for address in gone:
            self._reply(address, 0, Reply(error_body(Revoked())))
            self.clients.pop(address, None)
        return gone

    def _show_out(self, address: bytes, rid: int, why: Revoked) -> None:
        """Refuse one who asks all the same, and close the connection."""
        self._reply(address, rid, Reply(error_body(why)))
        self.clients.pop(address, None)
        if self._door is not None:
            self._door.show_out(address)

    def _look(self) -> None:
        if int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._readable.set()

    def _drain(self) -> None:
        for _ in range(DRAIN):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._take(frames)
        self._look()

    # ------------------------------------------------------------ one message

    def _take(self, frames: list[zmq.Frame]) -> None:
        address, rid = frames[0].bytes, 0
        try:
            head = self._head(frames)
            rid = head.rid
            peer = self._access.peer(frames[1])
            self._check(peer, head.kind)
            request = self._request(head.kind, frames[2].bytes)
            client = self._client(address, request, peer)
        except Revoked as error:
            self._show_out(address, rid, error)
            return
        except ImagineerError as error:
            self._reply(address, rid, Reply(error_body(error)))
            return
        client.inflight += 1
        task = asyncio.create_task(self._respond(client, rid, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, client: Client, rid: int, request: protocol.Request[Any]) -> None:
        try:
            reply = await self._answer(request, client, rid)
        except ImagineerError as error:
            reply = Reply(error_body(error))
            if isinstance(request, protocol.Hello):
                self.clients.pop(client.address, None)
        except Exception:
            log.exception("A request failed.", extra=pairs(kind=protocol.KIND_OF[type(request)]))
            sentence = "The daemon failed at this request; its log says how."
            reply = Reply(protocol.Error(code="E_INTERNAL", message=sentence))
        finally:
            client.inflight -= 1
        if reply is not None:
            self._reply(client.address, rid, reply)

    def _reply(self, address: bytes, rid: int, reply: Reply) -> None:
        frames = (*protocol.encode(reply.body, rid=rid), *reply.blobs)
        with contextlib.suppress(KeyError):
            self._note(self.clients.get(address), sent=self.send(address, frames))

    def _note(self, client: Client | None, *, sent: bool) -> None:
        """Log that a client does not read when that begins, not for each reply that it lost."""
        if client is not None and client.deaf == sent:
            client.deaf = not sent
            if client.deaf:
                log.warning(
                    "A client does not read; replies to it are dropped.",
                    extra=pairs(client=client.peer.name or client.peer.pid),
                )

    def _head(self, frames: list[zmq.Frame]) -> protocol.Head:
        if len(frames) < MIN_FRAMES:
            raise ProtocolError("A message is a head frame and a body frame.")
        if len(frames[1]) > HEAD_LIMIT:
            raise TooLarge(f"A head of {len(frames[1])} bytes is over the limit of {HEAD_LIMIT}.")
        try:
            return protocol.decode_head(frames[1].bytes)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"The head is no [v, kind, rid, seq, meta]: {error}") from None

    def _check(self, peer: Peer, kind: str) -> None:
        if kind not in self._kinds:
            raise UnknownKind(f'This socket knows no request "{kind}".{did_you_mean(kind, self._kinds)}')
        self._access.check(peer, kind)

    def _request(self, kind: str, body: bytes) -> protocol.Request[Any]:
        if len(body) > protocol.MAX_BODY:
            raise TooLarge(f"A body of {len(body)} bytes is over the limit of {protocol.MAX_BODY}.")
        try:
            return protocol.decode_request(kind, body)
        except msgspec.ValidationError as error:
            raise _invalid(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f'The body of "{kind}" is no MessagePack map: {error}') from None

    def _client(self, address: bytes, request: protocol.Request[Any], peer: Peer) -> Client:
        if isinstance(request, protocol.Hello):
            return self._greeted(address, peer)
        client = self.clients.pop(address, None)
        # A client may choose its routing id, even that of another who has left.
        if client is None or client.peer.key != peer.key:
            raise HelloRequired("Say hello first (the daemon may have been restarted).")
        self.clients[address] = client
        if client.inflight >= protocol.MAX_INFLIGHT:
            raise Full(f"{protocol.MAX_INFLIGHT} requests of this client are unanswered: wait for replies.")
        return client

    def _greeted(self, address: bytes, peer: Peer) -> Client:
        client = self.clients.setdefault(address, Client(address, peer))
        client.peer = peer
        if len(self.clients) > MAX_CLIENTS:
            del self.clients[next(iter(self.clients))]
        return client


def error_body(error: ImagineerError) -> protocol.Error:
    """Return an error as it goes over the wire."""
    code: Code = error.code
    return protocol.Error(
        code=code,
        message=error.message,
        field=error.field,
        retry=error.retry,
        problems=error.problems,
    )


def _invalid(error: msgspec.ValidationError) -> Invalid:
    text = str(error)
    found = _FIELD.search(text)
    field = found[1] if found else ""
    return Invalid(message=f"{_FIELD.sub('', text)}{f' ({field})' if field else ''}.", field=field)
