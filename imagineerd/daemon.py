"""The daemon: wire the parts, recover, run, and stop in the reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
import zmq

from imagineerd import blobs, link, protocol
from imagineerd.answers.parts import Parts
from imagineerd.config import Config, Paths, devices_of, hardware_of, labeler_of, private_dir
from imagineerd.dispatch import Dispatcher
from imagineerd.errors import ImagineerError, Invalid
from imagineerd.events import Events, Subscriber
from imagineerd.grids.sheets import Sheets
from imagineerd.jobs import LANES
from imagineerd.labeling import Labeling
from imagineerd.labels.noting import Noting
from imagineerd.logs import pairs
from imagineerd.lora.library import find_lora
from imagineerd.lora.watch import watch
from imagineerd.models import resolve_model
from imagineerd.network.access import Access
from imagineerd.network.gate import Gate
from imagineerd.network.keys import daemon_pair, parse_address
from imagineerd.orders import Orders
from imagineerd.previews import Previews
from imagineerd.requests import Requests
from imagineerd.server import Client, Reply, Server
from imagineerd.service import duties, notify
from imagineerd.sockets import lock
from imagineerd.store import Store
from imagineerd.store.outbox import StoredEvent
from imagineerd.store.reconcile import reconcile
from imagineerd.tidying import Tidying
from imagineerd.trash import Trash
from imagineerd.version import VERSION
from imagineerd.workers import COMMAND

log = logging.getLogger("imagineerd")

EVENTS_RESUMED = 10_000
"""Events that a resume replays at most; who missed more gets a snapshot."""
GOODBYE_S = 0.1
"""Seconds for which clients may read what they were sent last: libzmq throws that away with the connection."""
CHUNKS_WAITING = 64
"""Messages that may wait for one client on the blob socket, where each may be a chunk of 256 KiB."""
BLOB_KINDS = protocol.BLOB_REQUESTS
CTL_KINDS = frozenset(protocol.REQUESTS) - BLOB_KINDS | {"hello"}


async def run(paths: Paths, config: Config, worker: tuple[str, ...] = COMMAND) -> None:
    """Run until SIGTERM, SIGINT or a `stop` request; `worker` is the command that starts a worker process.

    Raises `WrongState` where another daemon holds the data or the runtime directory.
    """
    private_dir(paths.runtime_dir)
    paths.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    locks = [lock(paths.lock_file), lock(paths.sockets_lock_file)]
    daemon = Daemon(paths, config, worker)
    try:
        await daemon.run()
    finally:
        for descriptor in locks:
            os.close(descriptor)


class Daemon:
    """The parts of one run, and what ties them."""

    def __init__(self, paths: Paths, config: Config, worker: tuple[str, ...]) -> None:
        self.paths = paths
        self.config = config
        self.boot = secrets.token_hex(8)
        self.stopping = asyncio.Event()
        self.reload = asyncio.Event()
        self.store = Store.open(paths.database)
        self.context = zmq.Context()
        self.access = Access(paths.keys_dir)
        self.events = Events(self._send)
        self.sheets = Sheets(self.store)
        self.store.on_events = self._announce
        self.dispatcher = Dispatcher(
            self.store,
            self._orders(),
            self._beside,
            hang_s=config.daemon.hang_s,
            max_batch=config.generation.batch_size,
            command=worker,
            devices=devices_of(config),
        )
        self.trash = Trash(self.store, paths.trash_dir)
        self.previews = Previews(self._send, self.dispatcher.watch, self._preview_rate)
        self.labeling = Labeling(
            self.store,
            msgspec.structs.replace(self._orders(), configure=self._configure_labeling),
            self.events.beside,
            noting=Noting(self.store, self.trash),
            labeler=lambda: labeler_of(self.requests.config, paths),
            concurrency=lambda: self.requests.config.labeling.concurrency,
        )
        parts = Parts(paths, config, self.store, self.dispatcher, self.labeling, self.events, self.trash)
        self.requests = Requests(parts, boot=self.boot, stop=self.stopping.set)
        self.tidying = Tidying(
            self.store, self.trash, lambda: parts.config, self.labeling.noting.catch_up, lambda: _is_idle(parts.lanes)
        )
        self.ctl: Server
        self.blob: Server

    async def run(self) -> None:
        """Recover, serve, and on the way out undo it backwards."""
        began = time.monotonic()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, self.stopping.set)
        # On a terminal SIGHUP says that it was closed, elsewhere that the configuration is to be read again.
        on_hangup = self.stopping.set if os.isatty(0) else self.reload.set
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_hangup)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self.store.close)
            await self._recover()
            if self.config.daemon.start_paused:
                await self.store.pause(time.time(), paused=True)
            undo.callback(self.context.term)
            self.ctl = Server(self.context, self.paths.ctl_socket, CTL_KINDS, self._answer_ctl, self.access)
            undo.push_async_callback(self.ctl.close)
            blob = self.paths.blob_socket
            self.blob = Server(self.context, blob, BLOB_KINDS, self._answer_blob, self.access, waiting=CHUNKS_WAITING)
            undo.push_async_callback(self.blob.close)
            at_gate = self._open_to_network(undo)
            works = (
                self.ctl.serve(),
                self.blob.serve(),
                self._beat(),
                self.tidying.keep(),
                self._watch_loras(),
                self.sheets.keep(),
                *at_gate,
            )
            beside = duties.works(self.store, self.dispatcher, self.requests, self.reload)
            tasks = [asyncio.create_task(work) for work in (*works, *beside)]
            undo.push_async_callback(_cancel, tasks)
            await self.dispatcher.start()
            await self.labeling.start()
            undo.push_async_callback(self._stop_work)
            notify.tell("READY=1")
            log.info("Ready.", extra=pairs(version=VERSION, socket=self.paths.ctl_socket, seconds=_since(began)))
            await self._until_stopped([*tasks, *self.dispatcher.tasks, *self.labeling.tasks])
        log.info("Stopped.")

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        """Wait for the order to stop. A task that ends is a fault of ours: end loudly, a restart recovers."""
        stopping = asyncio.create_task(self.stopping.wait())
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in done - {stopping}:
            task.result()

    async def _recover(self) -> None:
        await self.trash.reconcile()
        await reconcile(self.store)
        if any(LANES[type(job.spec)] == "io" for job in await self.store.running()):
            self.labeling.clear_up()
        recovered = await self.store.recover(time.time())
        if recovered:
            log.warning("Jobs that ran when the last daemon died are back.", extra=pairs(jobs=len(recovered)))

    async def _stop_work(self) -> None:
        log.info("Stopping.")
        notify.stopping(duties.DRAIN_S)
        self.requests.draining = True
        await asyncio.gather(self.dispatcher.stop(), self.labeling.stop())
        self.events.beside(protocol.Bye())
        await asyncio.sleep(GOODBYE_S)

    def _announce(self, events: Sequence[StoredEvent]) -> None:
        self.labeling.hear(events)
        self.events.announce(events)
        self.sheets.notice(events)

    def _send(self, client: bytes, frames: Sequence[bytes]) -> bool:
        return self.ctl.send(client, frames)

    def _beside(self, body: protocol.Beside) -> None:
        if isinstance(body, protocol.Preview):
            self.previews.show(body)
        else:
            self.events.beside(body)

    def _preview_rate(self) -> float:
        return self.requests.config.daemon.preview_rate

    def _open_to_network(self, undo: contextlib.AsyncExitStack) -> tuple[Coroutine[Any, Any, None], ...]:
        """Listen on TCP addresses, too, where the configuration says so; return what keeps the gate before them."""
        if self.config.listen.tcp is None:
            return ()
        address, secret = parse_address(self.config.listen.tcp), daemon_pair(self.paths.keys_dir).secret
        gate = Gate(self.context, self.access)
        undo.callback(gate.close)
        self.access.on_change = self._dismiss
        self.ctl.open_to(str(address), secret, gate)
        self.blob.open_to(address.blob, secret, gate)
        log.info("Listening for authorized keys.", extra=pairs(tcp=address))
        return gate.serve(), gate.watch()

    def _dismiss(self) -> None:
        """End what revoked keys have open."""
        for address in self.ctl.dismiss():
            self.events.forget(address)
            self.previews.forget(address)
        self.blob.dismiss()

    # ------------------------------------------------------------ answering

    async def _answer_ctl(self, request: protocol.Request[Any], client: Client, rid: int) -> Reply | None:
        if isinstance(request, protocol.Subscribe):
            await self._subscribe(request, client, rid)
            return None
        if isinstance(request, protocol.WatchPreviews):
            await self._watch(request, client)
            return Reply(protocol.Done())
        return Reply(await self.requests.answer(request, client))

    async def _answer_blob(self, request: protocol.Request[Any], client: Client, _rid: int) -> Reply | None:
        if isinstance(request, protocol.Hello):
            return Reply(await self.requests.answer(request, client))
        return await blobs.answer(self.store, self.trash, self.sheets, request)

    async def _subscribe(self, request: protocol.Subscribe, client: Client, rid: int) -> None:
        subscriber = self.events.begin(client.address, request.ticks_hz)
        try:
            if request.since is None or not await self._resume(subscriber, request.since, rid):
                await self._send_snapshot(subscriber, rid)
        except ImagineerError:
            self.events.forget(client.address)
            raise

    async def _watch(self, request: protocol.WatchPreviews, client: Client) -> None:
        if request.job is not None and request.batch is not None:
            raise Invalid(message="Watch either a job or a batch, or name neither to watch all.", field="$.job")
        batch = None if request.batch is None else await self.store.find_batch(request.batch)
        self.previews.watch(client.address, request, batch)

    async def _resume(self, subscriber: Subscriber, since: protocol.EventMark, rid: int) -> bool:
        missed = await self.store.events_since(since.epoch, since.seq, EVENTS_RESUMED)
        if missed is None:
            return False
        resume = protocol.Resume(epoch=since.epoch, seq=missed[-1].seq if missed else since.seq)
        if self._start(subscriber, resume, rid):
            self.events.complete(subscriber, since.seq, missed)
        return True

    async def _send_snapshot(self, subscriber: Subscriber, rid: int) -> None:
        snap = await self.store.snapshot()
        snapshot = protocol.Snapshot(
            epoch=self.store.epoch,
            seq=snap.seq,
            worker=self.dispatcher.info,
            jobs=snap.jobs,
            batches=snap.batches,
            paused=snap.paused,
            labeling=self.labeling.info,
        )
        if self._start(subscriber, snapshot, rid):
            self.events.complete(subscriber, snap.seq)

    def _start(self, subscriber: Subscriber, start: protocol.Snapshot | protocol.Resume, rid: int) -> bool:
        """Send what the events follow on; False where the subscriber is gone or does not read."""
        try:
            if self.ctl.send(subscriber.client, protocol.encode(start, rid=rid)):
                return True
        except KeyError:
            self.events.forget(subscriber.client)
        self.events.leave_behind(subscriber)
        return False

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(protocol.HEARTBEAT_S)
            heartbeat = protocol.Heartbeat(boot=self.boot, seq=self.events.head)
            self.events.beside(heartbeat)
            self.previews.beat(heartbeat)
            for subscriber in self.events.laggards():
                await self._catch_up(subscriber)

    async def _catch_up(self, subscriber: Subscriber) -> None:
        self.events.begin_again(subscriber)
        try:
            await self._send_snapshot(subscriber, rid=0)
        except ImagineerError as error:
            log.error("No snapshot can be read: %s", error)  # noqa: TRY400 - the sentence says it all
            self.events.leave_behind(subscriber)

    async def _watch_loras(self) -> None:
        await watch(
            lambda: self.requests.config.loras.directory,
            lambda: self.events.subscribers,
            lambda change: self.store.announce(change, time.time()),
        )

    # ------------------------------------------------------------ what an order needs to know

    def _orders(self) -> Orders:
        return Orders(
            configure=self._configure,
            source=self._source,
            lora=self._lora,
            unload_s=lambda: self.requests.config.model.unload_after_s,
        )

    def _configure(self) -> link.Configure:
        config = self.config
        return link.Configure(
            hardware=hardware_of(config),
            cache_dir=str(config.model.cache_dir or ""),
            offline=config.model.offline,
            preload=self._preload(),
            keep=str(self.paths.worker_dir),
        )

    def _configure_labeling(self) -> link.Configure:
        scratch = self.paths.runtime_dir / "labels"
        return link.Configure(hardware=link.Hardware(), owner=self.store.epoch, scratch=str(scratch))

    def _preload(self) -> link.ModelSource | None:
        """Return the model to load ahead; None where there is none, as each job that needs it will say."""
        try:
            return self._source(self.requests.config.model.default, "")
        except ImagineerError as error:
            log.error("No model is loaded ahead: %s", error)  # noqa: TRY400 - the sentence says it all
            return None

    def _source(self, name: str, revision: str) -> link.ModelSource:
        model = resolve_model(
            name,
            starter=self.paths.starter_model,
            cache_dir=self.config.model.cache_dir,
            base_dir=self.paths.config_file.parent,
        )
        return link.ModelSource(name, model.source.path, revision or model.source.revision)

    def _lora(self, name: str) -> str:
        return str(find_lora(self.requests.config.loras.directory, name).path)


def _is_idle(lanes: Sequence[Dispatcher]) -> bool:
    return not any(lane.waiting or lane.running for lane in lanes)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.2f}"
