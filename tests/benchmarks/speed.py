"""`python tests/benchmarks/speed.py [--device cuda --size sd15]`: what a card and a deck cost, each way to draw them.

`--size sd15` makes the shape of SD 1.5 with random weights on the device; nothing is downloaded. Rates are of the
FLOP that a card's UNet calls and its decode take, and shares of the rate of a large matrix product, measured here.
A deck is 54 cards: `s/deck` is 54 times `s/card`, but where the measure says "54 cards". What there is no time for
(`--minutes`) is left out, and said; what the goals speak of comes first, compilers last.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")

import calls  # noqa: E402
import msgspec  # noqa: E402
import torch  # noqa: E402
from bench import DECK, SIZES, Bench, about, table  # noqa: E402
from desk import Desk, Mix, bare_loop, fresh_worker  # noqa: E402
from shapes import seconds_of, write_loras  # noqa: E402
from table import RESULTS, Line  # noqa: E402

from imagineerd import link  # noqa: E402
from imagineerd.worker.denoise import encode  # noqa: E402
from imagineerd.worker.devices import Device, resident_bytes  # noqa: E402
from imagineerd.worker.mixing import apply_mix  # noqa: E402
from imagineerd.worker.selftest import slots_are_independent  # noqa: E402
from imagineerd.worker.tuning import Cells, measure  # noqa: E402

BARE_GOAL = 1.03
DECK_GOAL_S = 12.0
ADAPTERS_GOAL = 4.0
DECK_WITH_LORAS = "ours, 2 LoRAs, 54 cards"
BARE, ADAPTERS = "bare StableDiffusionPipeline loop", "the same, 2 stacked adapters"
START_S = 20.0
"""What a process takes to start, for the plan."""


def run(bench: Bench) -> None:
    """Do all measures."""
    desk = Desk(bench.device, bench.source, bench.folder)
    mix = write_loras(bench.folder, desk.model.unet)
    beside_others(bench, mix)
    best = eager(bench, desk, mix)
    if bench.device.kind == "cuda":
        a_deck(bench, desk, mix, best, DECK_WITH_LORAS)
    details(bench, desk, mix, best)
    growth(bench, desk, best)
    starts(bench, best)
    if bench.device.kind == "cuda":
        desk.model.unet.to(memory_format=torch.channels_last)
        bench.add("ours, channels_last", best, lambda: desk.deal(bench.specs, best))
        for size in sorted({1, best}):
            calls.one(bench, desk.model, size, "channels_last")
        for name in calls.WAYS:
            compiled(bench, desk, mix, best, name)
        for size in sorted({1, best}):
            calls.cuda_graphs(bench, desk.model, size)
        goals(bench)


def beside_others(bench: Bench, mix: Mix) -> None:
    """Measure what others write: a loop around diffusers' pipeline, and the same with adapters."""
    few = bench.specs[: max(2, len(bench.specs) // 3)]
    for name, adapters in ((BARE, []), (ADAPTERS, mix)):
        with bare_loop(str(bench.path), bench.folder, str(bench.device.handle), adapters) as draw:
            draw(few[:1])
            each = bench.add(name, 1, lambda draw=draw: draw(few), cards=len(few))
        bench.bare = bench.bare or each


def eager(bench: Bench, desk: Desk, mix: Mix) -> int:
    """Measure each batch size without and with LoRAs; return the fastest."""
    for size in bench.device.batch_sizes:
        desk.deal(bench.specs[:1], size)
        cards = bench.some(size)
        bench.add("ours", size, lambda size=size, cards=cards: desk.deal(cards, size), cards=len(cards))
    found = bench.of("ours")
    for size in bench.device.batch_sizes:
        desk.deal(bench.specs[:1], size, mix)
        cards = bench.some(size)
        bench.add("ours, 2 LoRAs", size, lambda size=size, cards=cards: desk.deal(cards, size, mix), cards=len(cards))
    return min(found, key=found.__getitem__, default=1)


def a_deck(bench: Bench, desk: Desk, mix: Mix, size: int, measure: str) -> None:
    """Measure the deck that the goals speak of."""
    deck = bench.cards(DECK)
    bench.add(measure, size, lambda: desk.deal(deck, size, mix), cards=DECK)


def details(bench: Bench, desk: Desk, mix: Mix, best: int) -> None:
    """Measure previews, overlap, a change of the mix, the height, and what the worker finds out about itself."""
    bench.add("ours, previews of every card", best, lambda: desk.deal(bench.specs, best, watched=True))
    bench.add("ours, files before the next order", best, lambda: desk.deal(bench.specs, best, beside=False))
    model = desk.model
    text = min(seconds_of(bench.device.handle, lambda: encode(model, f"card {time.perf_counter()}"), runs=5))
    bench.say("a prompt's embedding", f"{1000 * text:.1f} ms", 1)
    apply_mix(model, mix)
    change = min(seconds_of(bench.device.handle, lambda: (apply_mix(model, []), apply_mix(model, mix)), runs=2))
    bench.say("from no LoRA to 2 and back", f"{1000 * change:.1f} ms")
    apply_mix(model, [])
    calls.heights(bench, model, best)
    if bench.device.kind == "cuda":
        calls.cudnn(bench, model, best)
    bench.say("neighbours change no bit", str(slots_are_independent(model, bench.device)))
    cells = Cells(bench.height // 8, bench.width // 8)
    for size, found in measure(model, bench.device, cells, bench.device.batch_sizes).items():
        peak = f", peak {found.peak / 1e9:.2f} GB above the weights" if found.peak else ""
        bench.say("one UNet call, as the worker measures it", f"{1000 * found.seconds:.1f} ms{peak}", size)


def growth(bench: Bench, desk: Desk, best: int) -> None:
    """Measure what ten more decks of a few cards leave in memory."""
    measure, few = "memory that ten decks leave behind", bench.specs[: min(best, 4)]
    if not bench.is_late(measure, 10 * len(few) * min(bench.of("ours").values(), default=0.0)):
        before = memory_left(bench.device)
        for _ in range(10):
            desk.deal(few, len(few))
        bench.say(measure, f"{(memory_left(bench.device) - before) / 1e6:.1f} MB", len(few))


def memory_left(device: Device) -> int:
    """Return the bytes in use: on CUDA what tensors take, elsewhere what the process takes."""
    return torch.cuda.memory_allocated(device.handle) if device.kind == "cuda" else resident_bytes()


def starts(bench: Bench, best: int) -> None:
    """Measure a process for each picture, and a worker's first deck, from the start of its process, and its second."""
    if not bench.is_late("one process for each picture", START_S):
        bench.add("one process for each picture", 1, lambda: _one_process(bench), cards=1)
    if not bench.is_late("a worker's first deck, from its start", 2 * START_S):
        first, later = fresh_worker(bench.hardware, bench.source, bench.specs, best)
        bench.add("a worker's first deck, from its start", best, lambda: first)
        bench.add("its second deck", best, lambda: later)


def compiled(bench: Bench, desk: Desk, mix: Mix, best: int, name: str) -> None:
    """Measure decks by a UNet that is compiled this way, without and with LoRAs, and what they had compiled again."""
    sizes = bench.device.batch_sizes
    if bench.is_late(f"compiling {name}", calls.COMPILE_S):
        return
    seconds = desk.compile(calls.WAYS[name], sizes, bench.height, bench.width)
    bench.say(f"compiling {name}", f"{seconds:.0f} s for batches {', '.join(map(str, sizes))}")
    made = _graphs_made()
    for size in sizes:
        desk.deal(bench.specs[:1], size)
        cards = bench.some(size)
        told = f"ours, compiled: {name}"
        bench.add(told, size, lambda size=size, cards=cards: desk.deal(cards, size), cards=len(cards))
    a_deck(bench, desk, mix, best, f"{DECK_WITH_LORAS}, compiled: {name}")
    for size in sorted({1, best}):
        calls.one(bench, desk.model, size, f"compiled: {name}")
    bench.say(f"graphs made after compiling {name}", str(_graphs_made() - made))
    desk.model.graphs = None


def goals(bench: Bench) -> None:
    """Tell how far the goals of a GPU are."""
    decks = [row for row in bench.rows if row.measure.startswith(DECK_WITH_LORAS) and row.card_s]
    adapters = bench.of(ADAPTERS).get(1, 0.0)
    for row in decks:
        deck = f"{DECK * row.card_s:.1f} s (goal on an H100: {DECK_GOAL_S:.0f} s)"
        beside = f"{adapters / row.card_s:.2f} times as fast as adapters (goal: {ADAPTERS_GOAL:.0f})"
        bench.say(f"goal: {row.measure}", f"{deck}, {beside}", row.batch)


def _one_process(bench: Bench) -> float:
    began = time.perf_counter()
    with bare_loop(str(bench.path), bench.folder, str(bench.device.handle), []) as draw:
        draw(bench.specs[:1])
    return time.perf_counter() - began


def _graphs_made() -> int:
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def measured(device: str, shape: str, cards: int, minutes: float) -> tuple[Bench, str]:
    """Run everything; return the run, and its heading."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(link.Hardware(device=device), shape, cards, minutes, Path(folder))
        with contextlib.suppress(KeyboardInterrupt):
            run(bench)
        return bench, about(bench)


def lines() -> list[Line]:
    """Return the goals of a CPU, with the starter model, for `run.py`."""
    bench, _ = measured("cpu", "starter", 8, 5.0)
    ours = bench.of("ours")
    return [
        Line(
            benchmark="speed",
            measure=measure,
            imagineer=f"{seconds:.3f} s",
            reference=f"warm StableDiffusionPipeline: {bench.bare:.3f} s",
            ratio=seconds / bench.bare,
            goal=f"<= {goal}",
            met=seconds <= goal * bench.bare,
        )
        for measure, seconds, goal in (
            ("a card at batch 1, written", ours[1], BARE_GOAL),
            ("a card in a deck, written", min(ours.values()), 1.0),
        )
    ]


def main() -> int:
    """Measure, print the table, and save it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--size", choices=sorted(SIZES), default="starter")
    parser.add_argument("--cards", type=int, default=16, help="cards of a measure, at most")
    parser.add_argument("--minutes", type=float, default=8.5, help="nothing is begun that would end after that")
    parser.add_argument("--save", action="store_true", help="write the table into results/, too")
    options = parser.parse_args()
    bench, head = measured(options.device, options.size, options.cards, options.minutes)
    text = f"{head}\n\n{table(bench.rows)}\n"
    sys.stdout.write(text)
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        stem = f"{time.strftime('%Y-%m-%d_%H%M%S')}_speed_{bench.device.kind}_{options.size}"
        (RESULTS / f"{stem}.md").write_text(text)
        (RESULTS / f"{stem}.json").write_bytes(msgspec.json.format(msgspec.json.encode(bench.rows), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
