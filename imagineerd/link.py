"""The private link between the daemon and a worker process: orders one way, reports the other.

A `socketpair` carries frames of a 4-byte big-endian length and a MessagePack map tagged by `type`. Both ends are of one
build, so there is no version here. End of file is death, on both sides.

The conversation: the worker says `Hello`; the daemon sends `Configure` once, then `Render` orders (`Cancel`, `Watch`,
`Unload` and `Quit` at any moment). A worker answers each job of an order by exactly one of `Finished`, `Failed` or
`Stopped`, then says `OrderDone`. Before that, as soon as it needs the device no more for this order, it says `Drawn`:
from then on it takes the next order, and writes the files of this one beside it. So at most two orders are in its
hands, and `Step`, `Drawn` and `OrderDone` say by `order` which one they speak of.

In lane `io` the orders are `Label`, several at a time, each answered by exactly one of `Labelled`, `Failed`, `Stopped`
or `Blocked`, and `Build`, answered by `Built`. `attempt` goes with every answer as a fence: the daemon drops those of
an attempt that is no longer running.
"""

from __future__ import annotations

import socket
import struct
from typing import Literal, TypeAlias

import msgspec

from imagineerd.errors import Code
from imagineerd.jobs import GenerateSpec
from imagineerd.protocol import AnyRating

LoginBy: TypeAlias = Literal["file", "variable", "none"]
MAX_FRAME = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Anything on the link; tagged by its name in lower case."""


class ModelSource(msgspec.Struct, frozen=True):
    """Where a model comes from. `path` is a diffusers folder or a `.safetensors` file; empty means hub id `name`."""

    name: str
    path: str = ""
    revision: str = ""


class Hardware(msgspec.Struct, frozen=True):
    """The config's `hardware` section, as the worker needs it. `threads` 0 leaves torch's choice."""

    device: str = "auto"
    mixed_precision: bool = True
    attention_slicing: bool = False
    vae_slicing: bool = False
    cpu_offload: bool = False
    threads: int = 0
    compile: bool = False


class Item(msgspec.Struct, frozen=True):
    """One job of an order. `stem` is the absolute path of its files without their suffix."""

    job: int
    attempt: int
    batch: str
    slot: int
    spec: GenerateSpec
    stem: str


class Labeler(msgspec.Struct, frozen=True):
    """The container that labels: its image, the words before the prompt, its limits and its login.

    `login` is the path of a credentials file or the name of a variable of the worker's environment, as `login_by` says.
    """

    image: str
    command: tuple[str, ...]
    network: str
    timeout_s: float
    memory: int
    cpus: float
    login_by: LoginBy
    login: str = ""


# ---------------------------------------------------------------- orders


class Configure(Message, frozen=True):
    """What the worker needs to know once. `cache_dir` may be empty.

    In lane `gpu`, `keep` is a folder for what is measured and compiled, empty for none. In lane `io`, `owner` tells
    this daemon's containers from others, and `scratch` is a folder that nobody else enters.
    """

    hardware: Hardware
    cache_dir: str = ""
    offline: bool = False
    preload: ModelSource | None = None
    owner: str = ""
    scratch: str = ""
    keep: str = ""


class Render(Message, frozen=True):
    """Draw these jobs in one UNet call; they share model, mix, size, steps and scheduler.

    `loras` has (name, absolute path) of every LoRA in the mix; `order` is the number of this order, which its reports
    repeat.
    """

    items: tuple[Item, ...]
    source: ModelSource
    batch_size: int
    loras: tuple[tuple[str, str], ...] = ()
    order: int = 0


class Label(Message, frozen=True):
    """Label one picture: its path, and the whole prompt."""

    job: int
    attempt: int
    picture: str
    text: str
    labeler: Labeler


class Build(Message, frozen=True):
    """Build the labeler's image; an empty `base` or `version` means that of the Dockerfile, an empty `network` the
    engine's own.
    """

    image: str
    base: str = ""
    version: str = ""
    network: str = ""


class Cancel(Message, frozen=True):
    """Stop these jobs between two steps."""

    jobs: tuple[int, ...]


class Watch(Message, frozen=True):
    """Send previews of these jobs, of the jobs of these batches, or of all of them, `rate` a second for each.

    It holds until the next `Watch`; a rate of 0 asks for none. `max_side` is in pixels.
    """

    jobs: tuple[int, ...] = ()
    batches: tuple[str, ...] = ()
    all: bool = False
    rate: float = 0.0
    max_side: int = 0

    def covers(self, item: Item) -> bool:
        """Say whether previews of this job are wanted."""
        return self.rate > 0 and (self.all or item.job in self.jobs or item.batch in self.batches)


class Unload(Message, frozen=True):
    """Give back the memory of every model; the next order loads what it needs."""


class Quit(Message, frozen=True):
    """Stop what runs between two steps, then leave."""


Order: TypeAlias = Configure | Render | Label | Build | Cancel | Watch | Unload | Quit

# ---------------------------------------------------------------- reports


class Hello(Message, frozen=True):
    """The process runs (nothing heavy is imported yet)."""

    pid: int


class Ready(Message, frozen=True):
    """Imports are done and the device is chosen. Batch sizes are the fixed ones, ascending; memory in bytes.

    `devices` are all that `auto` means on this machine; the worker has the first.
    """

    device: str
    device_name: str
    dtype: str
    torch: str
    batch_sizes: tuple[int, ...] = (1,)
    memory_used: int = 0
    memory_total: int = 0
    devices: tuple[str, ...] = ()


class Loading(Message, frozen=True):
    """A model is being fetched or loaded. `fraction` is 0–1, negative where unknown."""

    model: str
    detail: str = ""
    fraction: float = -1.0


class Loaded(Message, frozen=True):
    """A model is ready to draw."""

    model: str
    revision: str
    seconds: float
    memory_used: int = 0


class Unloaded(Message, frozen=True):
    """No model is loaded any more."""

    memory_used: int = 0


class Step(Message, frozen=True):
    """A step of the order that is drawn is done; also the sign of life that the hang watch counts."""

    step: int
    steps: int
    seconds_per_step: float
    order: int = 0


class Preview(Message, frozen=True):
    """A job as it looks after `step` of `steps`: 3 bytes a pixel, row by row from the top. May be lost."""

    job: int
    step: int
    steps: int
    width: int
    height: int
    rgb: bytes


class Finished(Message, frozen=True):
    """A picture is on disk: files are written, synced and renamed. `duration` is its share of the order, in seconds."""

    job: int
    attempt: int
    file: str
    seed: int
    width: int
    height: int
    bytes: int
    sha256: str
    color: str
    duration: float
    model_revision: str = ""


class Failed(Message, frozen=True):
    """A job failed; the worker goes on. `answer` is what a labeler said that was not understood."""

    job: int
    attempt: int
    code: Code
    message: str
    answer: str = ""


class Stopped(Message, frozen=True):
    """A job was stopped between two steps, as asked."""

    job: int
    attempt: int


class Labelled(Message, frozen=True):
    """A picture is labelled. `answer` is what the labeler said, word for word; `model` is as it named itself."""

    job: int
    attempt: int
    answer: str
    caption: str = ""
    rating: AnyRating = ""
    tags: tuple[str, ...] = ()
    model: str = ""


class Blocked(Message, frozen=True):
    """No picture can be labelled for now, and nothing is wrong with this job: try again later.

    `limited` says that the labeler's account has reached a limit, and `until` the Unix time until when, 0 where that is
    not known.
    """

    job: int
    attempt: int
    message: str
    limited: bool = False
    until: float = 0.0


class Building(Message, frozen=True):
    """A line of what the build says."""

    line: str


class Built(Message, frozen=True):
    """The build ended; `error` is a sentence, empty where it went well."""

    image: str
    error: str = ""


class Drawn(Message, frozen=True):
    """The device is free for the next order; of this one files may still be written, so its jobs are not yet answered
    for. Said once an order, at the latest right before its `OrderDone`. `mix_seconds` is what a change of the mix took,
    0 where there was none; `call_seconds` what a UNet call of the order's model and size takes, by the fixed size of
    the call, empty where that is not measured.
    """

    order: int = 0
    memory_used: int = 0
    mix_seconds: float = 0.0
    call_seconds: dict[int, float] = {}


class OrderDone(Message, frozen=True):
    """Every job of the order was answered for. The ends of two orders come in the order they were given."""

    seconds: float = 0.0
    memory_used: int = 0
    order: int = 0


class Broken(Message, frozen=True):
    """The worker cannot work at all (no torch, no such device): one sentence, then it leaves."""

    code: Code
    message: str


Report: TypeAlias = (
    Hello
    | Ready
    | Loading
    | Loaded
    | Unloaded
    | Step
    | Preview
    | Finished
    | Labelled
    | Failed
    | Stopped
    | Blocked
    | Building
    | Built
    | Drawn
    | OrderDone
    | Broken
)

_encoder = msgspec.msgpack.Encoder()
_order_decoder: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_report_decoder: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def frame(message: Message) -> bytes:
    """Return a message with its length before it."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def read_order(sock: socket.socket) -> Order | None:
    """Read the next order, blocking; None at end of file."""
    body = _read_body(sock)
    return None if body is None else _order_decoder.decode(body)


def decode_report(body: bytes) -> Report:
    """Read one report. Raises `msgspec.DecodeError`."""
    return _report_decoder.decode(body)


def length_of(header: bytes) -> int:
    """Return the length that a 4-byte header announces. Raises `ValueError` above `MAX_FRAME`."""
    length: int = _LENGTH.unpack(header)[0]
    if length > MAX_FRAME:
        raise ValueError(f"A frame of {length} bytes is over the limit of {MAX_FRAME}.")
    return length


def _read_body(sock: socket.socket) -> bytes | None:
    header = _read_exactly(sock, _LENGTH.size)
    return None if header is None else _read_exactly(sock, length_of(header))


def _read_exactly(sock: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = sock.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
