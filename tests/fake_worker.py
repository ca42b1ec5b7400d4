"""A written fake of the worker process: the real link, small made-up pictures, and every way to go wrong.

How a life goes is said by its argument (`LIVES`); how a job goes by a word in its prompt:

    SLOW      a tenth of a second a step         POISON  kills the process
    FATAL     kills it at the first attempt      HANG    says nothing more
    FAIL      is answered by Failed              RUBBISH puts other bytes on the link
    FORGOTTEN is not answered for            BLIND   is not stopped by a cancel
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

from imagineerd import link
from imagineerd.worker.mailbox import Mailbox

STEP_S = 0.002
SLOW_STEP_S = 0.1
THUMBS = ".thumbs"


def main() -> int:
    """Live one life."""
    parser = argparse.ArgumentParser()
    parser.add_argument("life", choices=sorted(LIVES))
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    sock = socket.socket(fileno=options.fd)
    return LIVES[options.life](Mailbox(sock), sock)


# ---------------------------------------------------------------- lives


def fine(mailbox: Mailbox, sock: socket.socket) -> int:
    """Do what is ordered."""
    greet(mailbox)
    return work(mailbox, sock)


def work(mailbox: Mailbox, sock: socket.socket) -> int:
    """Draw until told to quit."""
    while True:
        match mailbox.receive():
            case link.Render() as order:
                render(mailbox, sock, order)
            case link.Quit():
                return 0


def greet(mailbox: Mailbox, devices: tuple[str, ...] = ()) -> None:
    """Say hello, be configured, be ready on the device that was asked for."""
    mailbox.send(link.Hello(os.getpid()))
    mailbox.start()
    configure = mailbox.receive()
    wanted = configure.hardware.device if isinstance(configure, link.Configure) else "auto"
    device = "cpu" if wanted == "auto" else wanted
    mailbox.send(link.Ready(device, "Fake", "float32", "0.0", batch_sizes=(1, 2, 4), devices=devices))


def neighbours(mailbox: Mailbox, sock: socket.socket) -> int:
    """Be on a machine with three devices."""
    greet(mailbox, ("cuda:0", "cuda:1", "cuda:2"))
    return work(mailbox, sock)


def partial(mailbox: Mailbox, sock: socket.socket) -> int:
    """Be on a machine whose second device is gone."""
    mailbox.send(link.Hello(os.getpid()))
    mailbox.start()
    configure = mailbox.receive()
    if isinstance(configure, link.Configure) and configure.hardware.device == "cuda:1":
        mailbox.send(link.Broken("E_MODEL", "This machine has no such device."))
        return 1
    mailbox.send(link.Ready("cpu", "Fake", "float32", "0.0", batch_sizes=(1, 2, 4)))
    return work(mailbox, sock)


def writing(mailbox: Mailbox, _sock: socket.socket) -> int:
    """Write the files of an order while the next one is drawn."""
    greet(mailbox)
    writers = []
    while isinstance(order := mailbox.receive(), link.Render):
        mailbox.send(link.Step(1, 1, STEP_S, order.order))
        mailbox.send(link.Drawn(order.order))
        writers.append(threading.Thread(target=write_late, args=(mailbox, order)))
        writers[-1].start()
    for writer in writers:
        writer.join()
    return 0


def write_late(mailbox: Mailbox, order: link.Render) -> None:
    """Write for a while, then answer for the jobs of an order."""
    time.sleep(SLOW_STEP_S)
    for item in order.items:
        answer(mailbox, item, SLOW_STEP_S)
    mailbox.send(link.OrderDone(SLOW_STEP_S, order=order.order))


def broken(mailbox: Mailbox, _sock: socket.socket) -> int:
    """Find out that there is nothing to work with."""
    mailbox.send(link.Hello(os.getpid()))
    mailbox.send(link.Broken("E_MODEL", "This machine has no CUDA device: set hardware.device to cpu."))
    return 1


def rubbish(_mailbox: Mailbox, sock: socket.socket) -> int:
    """Talk nonsense and stay."""
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    time.sleep(600)
    return 0


def mute(_mailbox: Mailbox, _sock: socket.socket) -> int:
    """Say nothing at all and stay."""
    time.sleep(600)
    return 0


def sudden(mailbox: Mailbox, _sock: socket.socket) -> int:
    """Leave as soon as it is ready."""
    greet(mailbox)
    sys.stderr.write("no kernel image is available\n")
    return 3


def noisy(mailbox: Mailbox, sock: socket.socket) -> int:
    """Draw progress bars on stderr, megabytes without the end of a line."""
    sys.stderr.write("\r 50% |#####     |" * 200_000)
    sys.stderr.flush()
    return fine(mailbox, sock)


def stubborn(mailbox: Mailbox, sock: socket.socket) -> int:
    """Take its time to quit."""
    fine(mailbox, sock)
    time.sleep(3)
    return 0


def wrong(mailbox: Mailbox, sock: socket.socket) -> int:
    """Report what fits the link and nothing else."""
    greet(mailbox)
    mailbox.send(link.Finished(2**80 >> 17, 1, "x.png", 1, 1, 1, 1, "", "", 0.0))
    time.sleep(600)
    return fine(mailbox, sock)


def preloading(mailbox: Mailbox, sock: socket.socket) -> int:
    """Fail to load a model ahead, which is told to nobody."""
    greet(mailbox)
    mailbox.send(link.Loading("starter", "loading"))
    while not isinstance(order := mailbox.receive(), link.Quit):
        if isinstance(order, link.Render):
            render(mailbox, sock, order)
    return 0


def loading(mailbox: Mailbox, sock: socket.socket) -> int:
    """Load a model ahead, give it back when told to, and load it again when it is needed."""
    greet(mailbox)
    mailbox.send(link.Loaded("starter", "", 0.0))
    loaded = True
    while not isinstance(order := mailbox.receive(), link.Quit):
        if isinstance(order, link.Unload):
            loaded = False
            mailbox.send(link.Unloaded())
        if isinstance(order, link.Render):
            if not loaded:
                mailbox.send(link.Loaded("starter", "", 0.0))
            loaded = True
            render(mailbox, sock, order)
    return 0


LIVES = {
    life.__name__: life
    for life in (
        fine,
        neighbours,
        partial,
        writing,
        broken,
        rubbish,
        mute,
        sudden,
        noisy,
        stubborn,
        wrong,
        preloading,
        loading,
    )
}

# ---------------------------------------------------------------- jobs


def render(mailbox: Mailbox, sock: socket.socket, order: link.Render) -> None:
    """Draw the jobs of an order together, step by step."""
    began = time.monotonic()
    open_items = {item.job: item for item in order.items}
    for item in order.items:
        misbehave(item, sock)
    steps = order.items[0].spec.steps
    slow = any("SLOW" in item.spec.prompt for item in order.items)
    for step in range(1, steps + 1):
        stop_cancelled(mailbox, open_items)
        if not open_items:
            break
        time.sleep(SLOW_STEP_S if slow else STEP_S)
        mailbox.send(link.Step(step, steps, STEP_S, order.order))
        show(mailbox, open_items, step, steps)
    for item in open_items.values():
        answer(mailbox, item, (time.monotonic() - began) / len(order.items))
    mailbox.send(link.OrderDone(time.monotonic() - began, order=order.order))


def misbehave(item: link.Item, sock: socket.socket) -> None:
    """Do what the prompt says, if it says something."""
    prompt = item.spec.prompt
    if "POISON" in prompt or ("FATAL" in prompt and item.attempt == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if "RUBBISH" in prompt and item.attempt == 1:
        sock.sendall(b"\xff\xff\xff\xff rubbish")
        time.sleep(600)
    if "HANG" in prompt:
        threading.Event().wait()


def show(mailbox: Mailbox, open_items: dict[int, link.Item], step: int, steps: int) -> None:
    """Send a preview of each job that is watched, at every step: all of its bytes are the step's number."""
    for job in (job for job, item in open_items.items() if mailbox.watch.covers(item)):
        mailbox.send(link.Preview(job, step, steps, 2, 3, bytes([step]) * 18))


def stop_cancelled(mailbox: Mailbox, open_items: dict[int, link.Item]) -> None:
    """Answer for the jobs that are to stop."""
    for job in [job for job, item in open_items.items() if mailbox.cancelled(job) and "BLIND" not in item.spec.prompt]:
        mailbox.send(link.Stopped(job, open_items.pop(job).attempt))


def answer(mailbox: Mailbox, item: link.Item, duration: float) -> None:
    """Finish a job, or fail as asked."""
    if "FAIL" in item.spec.prompt:
        mailbox.send(link.Failed(item.job, item.attempt, "E_LORA", "The LoRA does not fit this model."))
    elif "FORGOTTEN" not in item.spec.prompt:
        mailbox.send(taken(item, duration))


# ---------------------------------------------------------------- files


def taken(item: link.Item, duration: float) -> link.Report:
    """Write a take, or none of its files."""
    stem = free_stem(Path(item.stem))
    try:
        return write_take(item, stem, duration)
    except OSError as error:
        for path in (stem.with_suffix(".json"), stem.parent / THUMBS / f"{stem.name}.jpg", stem.with_suffix(".png")):
            with contextlib.suppress(OSError):
                path.unlink()
        return link.Failed(item.job, item.attempt, "E_DISK", f"The picture cannot be written: {error.strerror}.")


def write_take(item: link.Item, stem: Path, duration: float) -> link.Finished:
    """Write sidecar, thumbnail and picture in the real worker's order, each whole or not at all."""
    about = {"job": item.job, "batch": item.batch, "slot": item.slot, "seed": item.spec.seed, "duration": duration}
    put(stem.with_suffix(".json"), json.dumps(about).encode())
    put(stem.parent / THUMBS / f"{stem.name}.jpg", b"a small picture")
    content = png(item.spec.width, item.spec.height, item.spec.seed)
    path = put(stem.with_suffix(".png"), content)
    return link.Finished(
        item.job,
        item.attempt,
        str(path),
        item.spec.seed,
        item.spec.width,
        item.spec.height,
        len(content),
        hashlib.sha256(content).hexdigest(),
        "#102030",
        duration,
    )


def free_stem(stem: Path) -> Path:
    """Return the first of `stem`, `stem_2`, … that nothing is called."""
    number, free = 1, stem
    while free.with_suffix(".json").exists() or free.with_suffix(".png").exists():
        number += 1
        free = stem.with_name(f"{stem.name}_{number}")
    return free


def put(path: Path, content: bytes) -> Path:
    """Make a file appear; the pauses give a killer something to hit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}.part")
    try:
        part.write_bytes(content)
        time.sleep(STEP_S)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    time.sleep(STEP_S)
    return path


def png(width: int, height: int, seed: int) -> bytes:
    """Return a picture in one colour, which depends on the seed."""
    row = b"\0" + bytes((seed % 256, seed // 256 % 256, 128)) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


if __name__ == "__main__":
    sys.exit(main())
