"""A worker without a process: the real code of orders, drawing and writing, driven from here and timed."""

from __future__ import annotations

import collections
import itertools
import json
import queue
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from launching import Launching
from rows import Timed

from imagineerd import link
from imagineerd.jobs import BACKGROUND, GenerateSpec, LoraWeight, group_key, shape_of
from imagineerd.scheduler import Setup, Waiting
from imagineerd.waitlist import Waitlist
from imagineerd.worker.compiling import Shape
from imagineerd.worker.context import Context
from imagineerd.worker.denoise import LATENT_FACTOR
from imagineerd.worker.devices import Device
from imagineerd.worker.kinds import generate
from imagineerd.worker.mailbox import Mailbox
from imagineerd.worker.models import Library, Model
from imagineerd.worker.preview import fit_ahead
from imagineerd.worker.tuning import Cells, Tuning

EVERYTHING = link.Watch(all=True, rate=4.0, max_side=96)
REPORT_S = 30.0
"""What a report may take to come, once all is written."""
Mix = list[tuple[str, str, float]]
JOBS = itertools.count(1)


class Call(NamedTuple):
    """The cards of one order, and the fixed size of its UNet calls."""

    specs: Sequence[GenerateSpec]
    size: int


def in_calls_of(size: int, specs: Sequence[GenerateSpec]) -> list[Call]:
    """Split cards into calls of one size; the last one is padded where they do not fill it."""
    return [Call(specs[start : start + size], size) for start in range(0, len(specs), size)]


def as_dealt(specs: Sequence[GenerateSpec], sizes: Sequence[int], seconds: Mapping[int, float]) -> list[Call]:
    """Split cards of one group into the calls that the daemon's scheduler makes of them for one worker that has nothing
    else; `seconds` is what the worker told of calls, by their size.
    """
    waiting, setup = Waitlist(), Setup(calls={shape_of(group_key(specs[0])): seconds})
    waiting.add(Waiting(at, BACKGROUND, at, float(at), group_key(spec)) for at, spec in enumerate(specs))
    calls = []
    while batch := waiting.next(sizes, setup):
        calls.append(Call([specs[job] for job in batch.jobs], batch.size))
        for job in batch.jobs:
            waiting.drop(job)
    return calls


def items_of(call: Call, folder: Path) -> tuple[link.Item, ...]:
    """Return the jobs of an order; their files go into the folder."""
    return tuple(
        link.Item(job, 1, "deck", place, spec, str(folder / f"{job}"))
        for place, (spec, job) in enumerate(zip(call.specs, JOBS, strict=False))
    )


class Given:
    """Stands in for what the worker measured: each call has the size that is asked for."""

    def size(self, _model: Model, _cells: object, wanted: int) -> int:
        return wanted

    def call_seconds(self, *_: object) -> dict[int, float]:
        return {}

    def fitted(self, *_: object) -> None:
        raise MemoryError("A size that is measured does not fit.")


class Desk:
    """Deals decks to the worker's code. `folder` is where the pictures go."""

    def __init__(self, device: Device, source: link.ModelSource, folder: Path) -> None:
        self._ours, theirs = socket.socketpair()
        self._mailbox = Mailbox(theirs)
        self._reports: queue.SimpleQueue[link.Report] = queue.SimpleQueue()
        self._orders = itertools.count(1)
        self._source = source
        self._folder = folder
        configure = link.Configure(link.Hardware())
        library = Library(device, configure, self._mailbox.send, lambda model: fit_ahead(model, device))
        self._context = Context(self._mailbox, configure, device, library)
        self._tuning = self._context.tuning
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def model(self) -> Model:
        """The loaded model."""
        return self._context.library.get(self._source)

    @cached_property
    def launching(self) -> Launching:
        """How its UNet's calls are launched."""
        return Launching(self.model, self._context.device)

    def deal(  # noqa: PLR0913 - what a measure may change
        self,
        calls: Iterable[Call],
        mix: Mix | None = None,
        *,
        tuned: bool = False,
        watched: bool = False,
        beside: bool = True,
        compiled: bool = False,
    ) -> Timed:
        """Draw a deck; return the seconds until the last picture is durable, and in what calls it was drawn.

        With `tuned` the worker splits the calls as it does by what it measured. Without `beside` each order's files are
        written before the next one is drawn. Raises `RuntimeError` where a picture failed, or was not `compiled`.
        """
        self._context.tuning = self._tuning if tuned else Given()  # type: ignore[assignment]
        self._mailbox.watch = EVERYTHING if watched else link.Watch()
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as folder:
            renders = [self._render(call, mix or [], Path(folder)) for call in calls]
            began = time.perf_counter()
            for render in renders:
                self._draw(render)
                if not beside:
                    self._context.orders.finish()
            self._context.orders.finish()
            seconds = time.perf_counter() - began
            self._check_reports(renders)
            sidecars = [json.loads(path.read_bytes()) for path in Path(folder).glob("*.json")]
        if compiled:
            self._check_compiled(sidecars)
        return Timed(seconds, _sizes_of(sidecars))

    def call_seconds(self, spec: GenerateSpec) -> dict[int, float]:
        """Return what the worker measured of calls for such a card, by their size; empty where it does not."""
        cells = Cells(spec.height // LATENT_FACTOR, spec.width // LATENT_FACTOR)
        return self._tuning.call_seconds(self.model, cells)

    def lay_out(self, layout: torch.memory_format) -> None:
        """Bring the UNet's weights into this order in memory; what the worker measured before holds no more."""
        self.model.unet.to(memory_format=layout)
        self._tuning = Tuning(self._context.device, None)

    def _render(self, call: Call, mix: Mix, folder: Path) -> link.Render:
        weights = tuple(LoraWeight(name, weight) for name, _, weight in mix)
        specs = [msgspec.structs.replace(spec, mix=weights) for spec in call.specs]
        items = items_of(Call(specs, call.size), folder)
        loras = tuple((name, path) for name, path, _ in mix)
        return link.Render(items, self._source, call.size, loras, next(self._orders))

    def _draw(self, render: link.Render) -> None:
        order = self._context.orders.begin(render)
        try:
            generate.run(order, self._context)
        finally:
            self._context.orders.end(order)

    def _check_reports(self, renders: Sequence[link.Render]) -> None:
        """Read what was said of these orders, to the end. Raises `RuntimeError` where a picture failed."""
        numbers = {render.order for render in renders}
        jobs = {item.job for render in renders for item in render.items}
        failed = []
        while numbers:
            match self._reports.get(timeout=REPORT_S):
                case link.OrderDone(order=number):
                    numbers.discard(number)
                case link.Failed(job=job, message=message) if job in jobs:
                    failed.append(message)
        if failed:
            raise RuntimeError(
                f"{len(failed)} of {len(jobs)} pictures failed, so their time means nothing: {failed[0]}"
            )

    def _check_compiled(self, sidecars: Sequence[dict[str, Any]]) -> None:
        """Raise `RuntimeError` where a picture was not drawn by a graph, or where one did not fit on the way."""
        eager = [about for about in sidecars if not (about["compiled"] and self.launching.is_warm(_shape_of(about)))]
        if eager:
            raise RuntimeError(f"{len(eager)} of {len(sidecars)} pictures were drawn eagerly: {_sizes_of(eager)}.")

    def _listen(self) -> None:
        reader = self._ours.makefile("rb")
        while header := reader.read(4):
            self._reports.put(link.decode_report(reader.read(link.length_of(header))))


def _sizes_of(sidecars: Iterable[dict[str, Any]]) -> str:
    """Say how many pictures were drawn in calls of which size."""
    sizes = collections.Counter(about["batch_size"] for about in sidecars)
    return ", ".join(f"{count} in calls of {size}" for size, count in sorted(sizes.items(), reverse=True))


def _shape_of(about: dict[str, Any]) -> Shape:
    return Shape(2 * about["batch_size"], about["height"] // 8, about["width"] // 8)
