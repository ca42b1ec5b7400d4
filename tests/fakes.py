"""A written fake of the daemon: real sockets, scripted answers, and a switch for every way to misbehave.

Run as a program (`python fakes.py CTL_SOCKET BLOB_SOCKET`) it is a daemon that can be started and killed.
"""

from __future__ import annotations

import hashlib
import itertools
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import zmq

from imagineerd import protocol
from imagineerd.client import Endpoints
from imagineerd.errors import ImagineerError
from imagineerd.jobs import GenerateSpec, Job, JobError, LabelSpec, State

T = TypeVar("T")
Mood = Literal["fine", "silent", "rubbish", "forgetful"]
Answer = protocol.Body | Callable[[Any], protocol.Body]
WAIT_S = 10.0


class FakeDaemon:
    """Two ROUTER sockets in a thread. Change it only through its methods, which run in that thread.

    `answers` maps a request's kind to a reply or to a function of the request; `asked` lists all that came.
    `mood`: `silent` says nothing at all, `rubbish` answers with other bytes, `forgetful` wants a hello once more.
    """

    def __init__(self, folder: Path, answers: dict[str, Answer] | None = None, mood: Mood = "fine") -> None:
        self.ctl, self.blob = folder / "ctl.sock", folder / "blob.sock"
        self.answers: dict[str, Answer] = answers or {}
        self.mood: Mood = mood
        self.limits = protocol.Limits()
        self.asked: list[protocol.Request[Any]] = []
        self.pictures: dict[int, bytes] = {}
        self.wrong_hash = self.thumbless = False
        self.held: list[Callable[[], None]] = []
        self.holding: set[str] = set()
        self.most_chunks_held = 0
        self.epoch, self.boot = "e1", "b1"
        self.events: list[protocol.EventBody] = []
        self.snapshot_jobs: tuple[Job, ...] = ()
        self.snapshot_batches: tuple[protocol.Batch, ...] = ()
        self.worker = protocol.Worker(phase="idle")
        self.labeling: protocol.Worker | None = None
        self.heartbeat_s = 2.0
        self._boots = itertools.count(2)
        self._known: set[bytes] = set()
        self._followers: dict[bytes, int] = {}
        self.watchers: list[bytes] = []
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._near, self._far = socket.socketpair()
        self._news = threading.Condition()
        self._running = True
        self._context = zmq.Context()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(f"ipc://{self.ctl}", f"ipc://{self.blob}")

    # ------------------------------------------------------------ from the test's thread

    def start(self) -> Self:
        self._bind()
        self._thread.start()
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.do(self._end)
        self._thread.join(WAIT_S)
        self._near.close()
        self._far.close()
        self._context.destroy(linger=0)

    def do(self, order: Callable[[], T]) -> T:
        """Run something in the daemon's thread and return its result."""
        results: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._orders.put(lambda: results.put(order()))
        self._near.send(b".")
        return results.get(timeout=WAIT_S)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something that came has made the condition true."""
        with self._news:
            assert self._news.wait_for(condition, WAIT_S), "The daemon was not asked in time."

    def count(self, kind: type[protocol.Body]) -> int:
        return sum(isinstance(request, kind) for request in self.asked)

    def last(self, kind: type[T]) -> T:
        return next(request for request in reversed(self.asked) if isinstance(request, kind))

    def go_away(self) -> None:
        self.do(self._unbind)

    def come_back(self, epoch: str | None = None) -> None:
        self.do(lambda: self._come_back(epoch))

    def restart(self, epoch: str | None = None) -> None:
        self.go_away()
        self.come_back(epoch)

    def happen(self, *bodies: protocol.EventBody, told: bool = True) -> None:
        """Commit events, and tell those who follow (`told=False`: the message gets lost)."""
        self.do(lambda: self._happen(bodies, told=told))

    def beside(self, body: protocol.Beside) -> None:
        self.do(lambda: self._to_followers(protocol.encode(body)))

    def preview(self, body: protocol.Preview) -> None:
        """Send a preview to the session that began to watch last."""
        self.do(lambda: self._ctl.send_multipart([self.watchers[-1], *protocol.encode(body)]))

    def followed(self) -> None:
        """Wait until someone follows this run of the daemon."""
        self.wait_for(lambda: bool(self._followers))

    def hold(self, kind: str) -> None:
        """Keep answers to this kind of request back until `release`."""
        self.holding.add(kind)

    def release(self) -> None:
        """Send what was kept back, the newest first, and hold nothing more."""
        self.holding.clear()
        self.do(self._release)

    # ------------------------------------------------------------ in the daemon's thread

    def _run(self) -> None:
        while self._running:
            sockets = [(sock, zmq.POLLIN) for sock in (self._ctl, self._blob) if sock and not sock.closed]
            ready: dict[Any, int] = dict(zmq.zmq_poll([*sockets, (self._far.fileno(), zmq.POLLIN)], 1000))
            for sock, _ in sockets:
                if sock in ready:
                    self._take(sock)
            if self._far.fileno() in ready:
                self._obey()
            with self._news:
                self._news.notify_all()

    def _obey(self) -> None:
        self._far.recv(4096)
        while not self._orders.empty():
            self._orders.get()()

    def _end(self) -> None:
        self._running = False
        self._unbind()

    def _bind(self) -> None:
        self._ctl, self._blob = self._context.socket(zmq.ROUTER), self._context.socket(zmq.ROUTER)
        for sock, path in ((self._ctl, self.ctl), (self._blob, self.blob)):
            sock.setsockopt(zmq.LINGER, 0)
            sock.bind(f"ipc://{path}")

    def _unbind(self) -> None:
        for sock in (self._ctl, self._blob):
            sock.close(0)
        self._known.clear()
        self._followers.clear()

    def _come_back(self, epoch: str | None) -> None:
        self.boot = f"b{next(self._boots)}"
        if epoch:
            self.epoch, self.events = epoch, []
        self._bind()

    def _take(self, sock: zmq.Socket[bytes]) -> None:
        address, first, second = sock.recv_multipart()
        head = protocol.decode_head(first)
        request = protocol.decode_request(head.kind, second)
        self.asked.append(request)
        if self.mood == "silent":
            return
        if self.mood == "rubbish":
            sock.send_multipart([address, b"\xc1HTTP/1.1 400 Bad Request", b""])
            return
        self._answer(sock, address, head, request)

    def _answer(self, sock: zmq.Socket[bytes], address: bytes, head: protocol.Head, request: Any) -> None:
        def answer() -> None:
            if not sock.closed:
                sock.send_multipart([address, *self._frames(address, head, request)])

        if head.kind in self.holding:
            self.held.append(answer)
            self.most_chunks_held = max(self.most_chunks_held, len(self.held))
        else:
            answer()
            if isinstance(request, protocol.Subscribe) and address in self._known:
                self._subscribed(address, head.rid, request)

    def _release(self) -> None:
        held, self.held = self.held, []
        for answer in reversed(held):
            answer()

    def _frames(self, address: bytes, head: protocol.Head, request: Any) -> list[bytes]:
        if isinstance(request, protocol.BlobGet):
            return self._chunk(head.rid, request)
        try:
            body = self._reply(address, head.kind, request)
        except ImagineerError as error:
            body = protocol.Error(code=error.code, message=error.message, field=error.field, problems=error.problems)
        return protocol.encode(body, rid=head.rid)

    def _reply(self, address: bytes, kind: str, request: Any) -> protocol.Body:
        if isinstance(request, protocol.Hello):
            self._known.add(address)
            return self._welcome()
        if self.mood == "forgetful":
            self.mood = "fine"
            self._known.discard(address)
        if address not in self._known:
            return protocol.Error(code="E_HELLO", message="Say hello first.", retry="same")
        if isinstance(request, protocol.WatchPreviews):
            self.watchers.append(address)
            return self.answers.get(kind, protocol.Done())  # type: ignore[return-value]  # it is no function
        if isinstance(request, protocol.Subscribe):
            return self._start_of(request)
        if isinstance(request, protocol.BlobStat):
            return self._blob_info(request)
        answer = self.answers.get(kind, protocol.Error(code="E_NOT_FOUND", message=f"No answer to {kind}."))
        return answer(request) if callable(answer) else answer

    def _welcome(self) -> protocol.Welcome:
        return protocol.Welcome(
            proto=1, daemon="fake", epoch=self.epoch, boot=self.boot, limits=self.limits, heartbeat_s=self.heartbeat_s
        )

    # ------------------------------------------------------------ following

    def _start_of(self, request: protocol.Subscribe) -> protocol.Snapshot | protocol.Resume:
        seq = len(self.events)
        if request.since and request.since.epoch == self.epoch:
            return protocol.Resume(epoch=self.epoch, seq=seq)
        return protocol.Snapshot(
            epoch=self.epoch,
            seq=seq,
            worker=self.worker,
            labeling=self.labeling,
            jobs=self.snapshot_jobs,
            batches=self.snapshot_batches,
        )

    def _subscribed(self, address: bytes, rid: int, request: protocol.Subscribe) -> None:
        self._followers[address] = rid
        if request.since and request.since.epoch == self.epoch:
            for seq in range(request.since.seq + 1, len(self.events) + 1):
                frames = protocol.encode(self.events[seq - 1], rid=rid, seq=seq)
                self._ctl.send_multipart([address, *frames])

    def _happen(self, bodies: tuple[protocol.EventBody, ...], *, told: bool) -> None:
        for body in bodies:
            self.events.append(body)
            for address, rid in self._followers.items() if told else ():
                self._ctl.send_multipart([address, *protocol.encode(body, rid=rid, seq=len(self.events))])

    def _to_followers(self, frames: list[bytes]) -> None:
        for address in self._followers:
            self._ctl.send_multipart([address, *frames])

    # ------------------------------------------------------------ pictures

    def _blob_info(self, request: protocol.BlobStat) -> protocol.Body:
        data = self.pictures.get(request.take)
        if data is None or (self.thumbless and request.variant == "thumb"):
            return protocol.Error(code="E_NOT_FOUND", message=f"There is no take {request.take}.")
        digest = "0" * 64 if self.wrong_hash else hashlib.sha256(data).hexdigest()
        return protocol.BlobInfo(name="1.png", media="image/png", bytes=len(data), sha256=digest)

    def _chunk(self, rid: int, request: protocol.BlobGet) -> list[bytes]:
        data = self.pictures[request.take]
        part = data[request.offset : request.offset + request.length]
        body = protocol.Chunk(offset=request.offset, length=len(part), total=len(data))
        return [*protocol.encode(body, rid=rid), part]


# ---------------------------------------------------------------- a deck to deal

NAMES = ("Aries", "Taurus", "Gemini")
BATCH = "zodiac_20261122_121503"


def spec(name: str = "Aries", seed: int = 4711) -> GenerateSpec:
    return GenerateSpec(
        prompt=f"{name}, gold on black", width=64, height=96, steps=4, guidance_scale=7.5, seed=seed,
        model="starter", name=name,
    )  # fmt: skip


def label_spec(take: int) -> LabelSpec:
    return LabelSpec(take=take, prompt="default", prompt_version="1", text="Describe it.", name=NAMES[(take - 1) % 3])


def job(number: int, state: State = State.QUEUED, **more: Any) -> Job:
    name = NAMES[(number - 1) % 3]
    return Job(id=number, batch=BATCH, slot=(number - 1) % 3 + 1, state=state, spec=spec(name, 4710 + number), **more)


def take(number: int) -> protocol.Take:
    return protocol.Take(
        id=number, batch=BATCH, slot=number, job=number, file=f"{number:02}.png", seed=4710 + number,
        width=64, height=96, bytes=9, sha256="0" * 64, duration=0.5,
    )  # fmt: skip


class Deck:
    """Three cards whose jobs a test moves one by one; gives a `FakeDaemon` what it answers."""

    def __init__(self, folder: str = "/pictures/zodiac") -> None:
        self.jobs = {number: job(number) for number in (1, 2, 3)}
        self.folder = folder
        self.daemon: FakeDaemon | None = None

    def answers(self) -> dict[str, Answer]:
        return {
            "deal": lambda _: self.dealt(1, 2, 3, warnings=("Aries is 83 tokens long.",)),
            "generate": lambda _: self.dealt(1, 2, 3),
            "reroll": lambda _: self.dealt(1),
            "complete": lambda _: self.dealt(2, 3),
            "batch": lambda _: self.detail(),
            "batches": lambda _: protocol.Batches(batches=(self.batch(),)),
            "jobs": lambda request: protocol.Jobs(jobs=self.listed(request)),
        }

    def dealt(self, *jobs: int, warnings: tuple[str, ...] = ()) -> protocol.Dealt:
        return protocol.Dealt(batch=self.batch(), jobs=jobs, warnings=warnings)

    def listed(self, request: protocol.ListJobs) -> tuple[Job, ...]:
        newest_first = sorted(self.jobs.values(), key=lambda job: -job.id)
        return tuple(job for job in newest_first if not request.states or job.state in request.states)

    def batch(self) -> protocol.Batch:
        states: dict[str, int] = {}
        for job in self.jobs.values():
            states[job.state.value] = states.get(job.state.value, 0) + 1
        return protocol.Batch(
            id=BATCH, set="zodiac", title="Zodiac", theme="gold on black", folder=self.folder, slots=3,
            takes=states.get("done", 0), states=states,
        )  # fmt: skip

    def detail(self) -> protocol.BatchDetail:
        slots = tuple(self.slot(job) for job in self.jobs.values())
        return protocol.BatchDetail(batch=self.batch(), slots=slots)

    def slot(self, job: Job) -> protocol.Slot:
        takes = (take(job.id),) if job.state is State.DONE else ()
        return protocol.Slot(
            index=job.slot, name=job.spec.name, state=job.state, job=job.id, error=job.error, takes=takes
        )

    def move(self, number: int, state: State, error: JobError | None = None) -> protocol.JobMoved:
        """Change a job and return the event that tells of it."""
        old = self.jobs[number]
        self.jobs[number] = Job(
            id=number, batch=BATCH, slot=old.slot, state=state, spec=old.spec, error=error, attempts=1
        )
        return protocol.JobMoved(job=number, batch=BATCH, slot=old.slot, state=state, error=error, attempts=1)

    def finish(self, number: int) -> protocol.TakeAdded:
        """End a job well and return the event that tells of it."""
        self.move(number, State.DONE)
        return protocol.TakeAdded(take=take(number), pick=True)


def main(ctl: str, _blob: str) -> None:
    """Answer until killed."""
    FakeDaemon(Path(ctl).parent).start()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
