"""What `speed.py` measures of calls that are captured, and of a compiled UNet, by each way to compile it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import calls
from desk import in_calls_of
from hearing import heard, last_error
from measures import DEALT, Run, dealt, each_size
from torch._dynamo.utils import counters

from imagineerd.worker.capturing import Captures
from imagineerd.worker.compiling import by_region, whole
from imagineerd.worker.keeping import for_compilers

WAYS = {"the whole UNet": whole, "by region": by_region}
BESIDE = 2
"""Calls of each sort that are drawn while a graph is made, at most."""


def captured(run: Run) -> None:
    """Measure decks whose calls are captured, in the layout that a worker's UNet has where it may compile."""
    with run.channels_last():
        _capture(run, "capturing calls")
        dealt(run, f"{DEALT}, captured")
        calls.each_size(run.bench, run.desk, "captured", captured=True)
        each_size(run, run.mix, "captured")


def compiled(run: Run, way: str) -> None:
    """Measure decks by a UNet that is compiled this way, in the layout that a worker that compiles has.

    Raises `RuntimeError`, with what the compiler said, where nothing is compiled.
    """
    bench, desk = run.bench, run.desk
    name = f"compiled: {way}"
    with run.channels_last():
        sizes = reversed(bench.device.batch_sizes)  # as a deck begins with the largest, for which the graph is made
        _compile(run, way, {f"calls of {size}": calls.shape_of(bench, size) for size in sizes}, _draw_beside)
        made = _graphs_made()
        dealt(run, f"{DEALT}, {name}", compiled=True)
        for mix in (run.mix, []):
            each_size(run, mix, name, compiled=True)
        calls.each_size(bench, desk, name, compiled=True)
        bench.say(f"graphs made after compiling {way}", str(_graphs_made() - made))
        _capture(run, f"capturing calls, {name}")
        dealt(run, f"{DEALT}, {name}, captured", compiled=True)
        _watched(run, f"ours, 2 LoRAs, {name}, captured, previews of every card")
        calls.each_size(bench, desk, f"{name}, captured", compiled=True, captured=True)


def _watched(run: Run, measure: str) -> None:
    size = run.best
    deck = in_calls_of(size, run.bench.cards(size))
    run.bench.add(measure, size, lambda: run.desk.deal(deck, run.mix, watched=True, compiled=True), size)


def _capture(run: Run, measure: str) -> None:
    """Have a call of each size captured, and tell which are: without that a deck would be drawn by Python unnoticed.

    Raises `RuntimeError`, with what the worker said, where none is.
    """
    bench, launching = run.bench, run.desk.launching
    bench.at = measure
    launching.captured()
    began = time.perf_counter()
    with heard() as said:
        sizes = reversed(bench.device.batch_sizes)  # as a deck begins with the largest
        captured = [size for size in sizes if launching.is_captured(calls.shape_of(bench, size))]
    why = last_error(said.getvalue()) or said.getvalue()
    if not captured:
        raise RuntimeError(f"No call is captured. {why}")
    missing = "" if len(captured) == len(bench.device.batch_sizes) else f", but not the others: {why}"
    bench.say(measure, f"{time.perf_counter() - began:.1f} s for calls of {', '.join(map(str, captured))}{missing}")


def _compile(
    run: Run, way: str, shapes: dict[str, calls.Shape], meanwhile: Callable[[Run], None] = lambda _run: None
) -> None:
    """Compile the UNet for calls by these names, and tell what came of it."""
    bench = run.bench
    bench.at = f"compiling {way}"
    bench.remark = "beside a compiler, channels_last"  # should this be cut, it is still at work
    os.environ.update(for_compilers(bench.folder))  # so that it takes what it takes at a first start
    with heard() as said:
        seconds = run.desk.launching.compile(WAYS[way], shapes.values(), lambda: meanwhile(run))
    bench.remark = ""
    warm = [name for name, shape in shapes.items() if run.desk.launching.is_warm(shape)]
    why = last_error(said.getvalue())
    if not warm:
        raise RuntimeError(f"Nothing is compiled after {seconds:.0f} s. {why}")
    cold = "" if len(warm) == len(shapes) else f", but not for the others: {why}"
    bench.say(f"compiling {way}", f"{seconds:.0f} s for {', '.join(warm)}{cold}")


def _draw_beside(run: Run) -> None:
    """Measure calls that are drawn while the compiler is at work, for which nobody is to wait."""
    size = run.best
    captures = run.desk.model.captures
    for name, launched in (("captured", captures), ("eagerly", Captures())) * BESIDE:
        if run.desk.launching.is_warm(calls.shape_of(run.bench, size)):
            break
        deck = in_calls_of(size, run.bench.cards(size))
        run.desk.model.captures = launched
        run.bench.add(f"ours, 2 LoRAs, {name}", size, lambda deck=deck: run.desk.deal(deck, run.mix), size)
    run.desk.model.captures = captures


def compiled_heights(run: Run) -> None:
    """Measure the nearest heights compiled, too; the benchmark's own stands with the other compiled calls."""
    bench, model, way = run.bench, run.desk.model, "the whole UNet"
    with run.channels_last():
        for cells in calls.neighbours(bench, model):
            name, shape = f"{bench.width}x{8 * cells}", calls.shape_of(bench, run.best, cells)
            if not bench.is_late(f"compiling {way}, {name}", calls.COMPILE_S):
                _compile(run, way, {name: shape})
                calls.one(bench, run.desk, shape, f"compiled: {way}, {name}", compiled=True)


def compiled_decode(run: Run) -> None:
    """Measure what it would bring to compile the VAE, too."""
    calls.compiled_decode(run.bench, run.desk.model, WAYS["the whole UNet"])


def _graphs_made() -> int:
    return int(counters["stats"]["unique_graphs"])
