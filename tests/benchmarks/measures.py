"""What `speed.py` measures, stage by stage."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import calls
import msgspec
import torch
from bench import Bench
from children import bare_loop, fresh_worker
from desk import Desk, Mix, as_dealt, in_calls_of
from rows import DECK, Timed
from shapes import seconds_of, write_loras

from imagineerd.worker.denoise import encode
from imagineerd.worker.devices import Device, resident_bytes
from imagineerd.worker.mixing import apply_mix
from imagineerd.worker.selftest import slots_are_independent
from imagineerd.worker.tuning import Cells, measure

BARE, ADAPTERS = "bare StableDiffusionPipeline loop", "the same, 2 stacked adapters"
DEALT = f"ours, 2 LoRAs, {DECK} cards"
DECK_GOAL_S = 12.0
ADAPTERS_GOAL = 4.0


@dataclass
class Run:
    """What the stages share; it is made when the first one asks for it."""

    bench: Bench

    @cached_property
    def desk(self) -> Desk:
        """Our worker, with the model loaded."""
        bench = self.bench
        bench.at = "loading our model"
        desk = Desk(bench.device, bench.source, bench.folder)
        began = time.perf_counter()
        bench.say("loading our model", f"{desk.model.dtype}, {time.perf_counter() - began:.1f} s")
        return desk

    @cached_property
    def mix(self) -> Mix:
        """Two LoRAs."""
        return write_loras(self.bench.folder, self.bench.path)

    @contextlib.contextmanager
    def channels_last(self) -> Iterator[None]:
        """Lay out the UNet as a worker that compiles does; afterwards it is as before, and drawn eagerly."""
        self.desk.lay_out(torch.channels_last)
        try:
            yield
        finally:
            if not self.bench.remark:  # while a compiler is at work, nobody may touch the weights
                self.desk.launching.by_python()
                self.desk.lay_out(torch.contiguous_format)

    @property
    def best(self) -> int:
        """The batch size that is the fastest a card, eagerly."""
        found = self.bench.of("ours, 2 LoRAs") or self.bench.of("ours")
        return min(found, key=found.__getitem__, default=1)


def bare(run: Run, name: str, mix: Mix) -> None:
    """Measure what others write: a loop around diffusers' pipeline, without or with adapters."""
    bench = run.bench
    count = max(2, bench.count // 3) if bench.device.kind == "cuda" else bench.count
    bench.at = f"the start of {name}"
    with bare_loop(bench.path, bench.folder, str(bench.device.handle), mix) as draw:
        draw(bench.warming_up())
        each = bench.add(name, 1, lambda: draw(bench.cards(count)), count)
    bench.bare = bench.bare or each


def each_size(run: Run, mix: Mix, way: str = "", *, compiled: bool = False) -> None:
    """Measure each batch size, without or with LoRAs; `way` names how calls are made, if not eagerly by Python."""
    for size in run.bench.device.batch_sizes:
        count = run.bench.some(size)
        _warm_up(run, size, mix)
        deck = in_calls_of(size, run.bench.cards(count))
        name = f"ours{', 2 LoRAs' if mix else ''}{f', {way}' if way else ''}"
        run.bench.add(name, size, lambda deck=deck: run.desk.deal(deck, mix, compiled=compiled), count)


def dealt(run: Run, measure: str, *, compiled: bool = False) -> None:
    """Measure the deck that the goals speak of, from no mix to its own, and tell how far they are."""
    bench, sizes = run.bench, run.bench.device.batch_sizes
    for size in sizes:
        _warm_up(run, size, [])
    bench.at = f"{measure}: what the worker measures first"
    run.desk.deal(in_calls_of(1, bench.warming_up()), tuned=True)
    cards = bench.cards(DECK)
    deck = as_dealt(cards, sizes, run.desk.call_seconds(cards[0]))
    each = bench.add(measure, 0, lambda: run.desk.deal(deck, run.mix, tuned=True, compiled=compiled), DECK)
    if each and bench.device.kind == "cuda":
        _tell_goals(bench, measure, each)


def _warm_up(run: Run, size: int, mix: Mix) -> None:
    run.bench.at = f"warming up calls of {size}"
    run.desk.deal(in_calls_of(size, run.bench.warming_up()), mix)


def _tell_goals(bench: Bench, measure: str, each: float) -> None:
    adapters = bench.of(ADAPTERS).get(1)
    beside = f"{adapters / each:.2f} times as fast as" if adapters else "there is no measure of"
    bench.say(
        f"goal: {measure}",
        f"{DECK * each:.1f} s (goal on an H100: {DECK_GOAL_S:.0f} s), "
        f"{beside} stacked adapters (goal: {ADAPTERS_GOAL:.0f} times)",
    )


def single_calls(run: Run) -> None:
    """Measure calls of the UNet and of the VAE alone: each size, each layout, and what the picture's height costs."""
    bench, model, size = run.bench, run.desk.model, run.best
    calls.each_size(bench, run.desk, "eager")
    calls.decodes(bench, model, torch.contiguous_format)
    calls.heights(bench, run.desk, size)
    if bench.device.kind == "cuda":
        calls.decodes(bench, model, torch.channels_last)
        calls.cudnn(bench, run.desk, size)
        with run.channels_last():
            calls.each_size(bench, run.desk, "channels_last")
        calls.attention(bench, run.desk, size)


def details(run: Run) -> None:
    """Measure previews, overlap, a change of the mix, and what the worker finds out about itself."""
    bench, model, size = run.bench, run.desk.model, run.best
    _warm_up(run, size, [])
    count = max(bench.count, 2 * size)  # two orders at least: files are written beside the next one
    for name, how in (
        ("ours, two orders", {}),
        ("ours, two orders, previews of every card", {"watched": True}),
        ("ours, two orders, previews of every card, 2 LoRAs", {"watched": True, "mix": run.mix}),
        ("ours, two orders, files before the next order", {"beside": False}),
    ):
        deck = in_calls_of(size, bench.cards(count))
        bench.add(name, size, lambda deck=deck, how=how: run.desk.deal(deck, **how), count)
    _milliseconds(bench, "a prompt's embedding", 5, lambda: encode(model, f"card {time.perf_counter()}"))
    _milliseconds(bench, "from no LoRA to 2 and back", 2, lambda: (apply_mix(model, run.mix), apply_mix(model, [])))
    bench.say("neighbours change no bit", str(slots_are_independent(model, bench.device)))
    cells = Cells(bench.height // 8, bench.width // 8)
    for each, found in measure(model, bench.device, cells, bench.device.batch_sizes).items():
        peak = f", peak {found.peak / 1e9:.2f} GB above the weights" if found.peak else ""
        bench.say("one UNet call, as the worker measures it", f"{1000 * found.seconds:.1f} ms{peak}", each)


def _milliseconds(bench: Bench, name: str, runs: int, work: Callable[[], object]) -> None:
    bench.at = name
    bench.say(name, f"{1000 * min(seconds_of(bench.device.handle, work, runs)):.1f} ms")


def growth(run: Run) -> None:
    """Measure what ten more decks of a few cards leave in memory."""
    bench, few = run.bench, min(run.best, 4)
    _warm_up(run, few, [])
    before = _memory_left(bench.device)
    for number in range(10):
        bench.at = f"deck {number + 1} of ten"
        run.desk.deal(in_calls_of(few, bench.cards(few)))
    bench.say("memory that ten decks leave behind", f"{(_memory_left(bench.device) - before) / 1e6:.1f} MB", few)


def starts(run: Run) -> None:
    """Measure a worker's first deck, from the start of its process, and its second, as the usual settings have it."""
    bench = run.bench
    count = DECK if bench.device.kind == "cuda" else bench.count
    decks = [as_dealt(bench.cards(count), bench.device.batch_sizes, {}) for _ in range(2)]
    hardware = msgspec.structs.replace(bench.hardware, compile=True)  # where that may be, beside these decks
    with contextlib.closing(fresh_worker(hardware, bench.source, decks)) as dealt_decks:
        for name in ("a worker's first deck, from its start", "its second deck"):
            bench.add(name, 0, lambda: next(dealt_decks), count)


def one_process(run: Run) -> None:
    """Measure a process for each picture."""
    run.bench.add("one process for each picture", 1, lambda: _one_process(run.bench), 1)


def _one_process(bench: Bench) -> Timed:
    began = time.perf_counter()
    with bare_loop(bench.path, bench.folder, str(bench.device.handle), []) as draw:
        draw(bench.cards(1))
    return Timed(time.perf_counter() - began)


def _memory_left(device: Device) -> int:
    """Return the bytes in use: on CUDA what tensors take, elsewhere what the process takes."""
    return torch.cuda.memory_allocated(device.handle) if device.kind == "cuda" else resident_bytes()
