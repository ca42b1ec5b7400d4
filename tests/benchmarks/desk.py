"""A worker without a process: the real code of orders, drawing and writing, driven from here and timed."""

from __future__ import annotations

import collections
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from imagineerd import link
from imagineerd.jobs import GenerateSpec, LoraWeight
from imagineerd.worker.compiling import Graphs, Shape
from imagineerd.worker.context import Context
from imagineerd.worker.devices import Device
from imagineerd.worker.kinds import generate
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import Library, Model

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = Path(__file__).with_name("pipeline.py")
EVERYTHING = link.Watch(all=True, rate=4.0, max_side=96)
Mix = list[tuple[str, str, float]]


class Given:
    """Stands in for what the worker measured: each call has the size that is asked for."""

    def size(self, _model: Model, _cells: object, wanted: int) -> int:
        return wanted

    def fitted(self, *_: object) -> None:
        raise MemoryError("A size that is measured does not fit.")


class Desk:
    """Deals decks to the worker's code. `folder` is where the pictures go."""

    def __init__(self, device: Device, source: link.ModelSource, folder: Path) -> None:
        self._ours, theirs = socket.socketpair()
        self._mailbox = Mailbox(theirs)
        self._told: collections.Counter[str] = collections.Counter()
        self._source = source
        self._folder = folder
        configure = link.Configure(link.Hardware())
        self._context = Context(self._mailbox, configure, device, Library(device, configure, self._mailbox.send))
        self._context.tuning = Given()  # type: ignore[assignment]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def model(self) -> Model:
        """The loaded model."""
        return self._context.library.get(self._source)

    def deal(
        self,
        specs: list[GenerateSpec],
        size: int,
        mix: Mix | None = None,
        *,
        watched: bool = False,
        beside: bool = True,
    ) -> float:
        """Draw a deck in orders of `size`; return the seconds until the last picture is durable.

        Without `beside` each order's files are written before the next one is drawn.
        """
        self._mailbox.watch = EVERYTHING if watched else link.Watch()
        mix = mix or []
        mixed = [_with(spec, mix) for spec in specs]
        orders = self._context.orders
        failed = self._told["failed"]
        began = time.perf_counter()
        for start in range(0, len(mixed), size):
            render = self._order(mixed[start : start + size], size, mix)
            order = orders.begin(render)
            generate.run(order, self._context)
            orders.end(order)
            if not beside:
                orders.finish()
        orders.finish()
        seconds = time.perf_counter() - began
        if self._told["failed"] > failed:
            raise RuntimeError("Pictures failed, so their time means nothing.")
        return seconds

    def compile(self, make: Callable[[Any], Any], sizes: tuple[int, ...], height: int, width: int) -> float:
        """Have the UNet compiled in this way for guided calls of these sizes; return the seconds."""
        began = time.perf_counter()
        self.model.graphs = Graphs(self.model.unet, make)
        for size in sizes:
            self.model.graphs.unet_for(Shape(2 * size, height // 8, width // 8))
        self.model.graphs.wait()
        return time.perf_counter() - began

    def _order(self, specs: list[GenerateSpec], size: int, mix: Mix) -> link.Render:
        began = time.monotonic_ns()
        items = tuple(
            link.Item(began + number, 1, "deck", number, spec, str(self._folder / f"{began}_{number}"))
            for number, spec in enumerate(specs)
        )
        return link.Render(items, self._source, size, tuple((name, path) for name, path, _ in mix))

    def _listen(self) -> None:
        reader = self._ours.makefile("rb")
        while header := reader.read(4):
            report = link.decode_report(reader.read(link.length_of(header)))
            self._told[type(report).__name__.lower()] += 1


def _with(spec: GenerateSpec, mix: Mix) -> GenerateSpec:
    import msgspec

    return msgspec.structs.replace(spec, mix=tuple(LoraWeight(name, weight) for name, _, weight in mix))


# ---------------------------------------------------------------- processes


def fresh_worker(
    hardware: link.Hardware, source: link.ModelSource, specs: list[GenerateSpec], size: int
) -> list[float]:
    """Start a worker process; return the seconds from then to the end of its first deck, and those of its second."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-P", "-m", "imagineerd.worker", "--fd", str(theirs.fileno())]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, theirs:
        process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env={**_environ(), "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
        )
        ours.sendall(link.frame(link.Configure(hardware, offline=True, keep=folder)))
        reader = ours.makefile("rb")
        seconds = []
        for deck in range(2):
            for start in range(0, len(specs), size):
                items = tuple(
                    link.Item(
                        1000 * deck + start + number, 1, "deck", number, spec, f"{folder}/{deck}_{start}_{number}"
                    )
                    for number, spec in enumerate(specs[start : start + size])
                )
                ours.sendall(link.frame(link.Render(items, source, size)))
            for _ in range(0, len(specs), size):
                _until_done(reader)
            seconds.append(time.perf_counter() - began)
            began = time.perf_counter()
        ours.sendall(link.frame(link.Quit()))
        process.wait(timeout=60)
    return seconds


def _until_done(reader: Any) -> None:
    while True:
        match link.decode_report(reader.read(link.length_of(reader.read(4)))):
            case link.Failed(message=message):
                raise RuntimeError(message)
            case link.OrderDone():
                return


@contextlib.contextmanager
def bare_loop(model: str, folder: Path, device: str, mix: Mix) -> Iterator[Callable[[list[GenerateSpec]], float]]:
    """Give a function that has a `StableDiffusionPipeline` draw cards one by one, and returns the seconds."""
    loras = [f"{path}={weight}" for _, path, weight in mix]
    command = [sys.executable, str(PIPELINE), model, str(folder), device, *loras]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=_environ(), text=True, **pipes)
    try:

        def draw(specs: list[GenerateSpec]) -> float:
            process.stdin.write(json.dumps([_card(spec) for spec in specs]) + "\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        yield draw
    finally:
        process.stdin.close()
        process.wait()


def _card(spec: GenerateSpec) -> dict[str, object]:
    return {
        "prompt": spec.prompt,
        "negative_prompt": spec.negative_prompt,
        "width": spec.width,
        "height": spec.height,
        "num_inference_steps": spec.steps,
        "guidance_scale": spec.guidance_scale,
        "seed": spec.seed,
    }


def _environ() -> dict[str, str]:
    import os

    return {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "DIFFUSERS_VERBOSITY": "error"}
