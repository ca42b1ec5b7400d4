"""`python tests/benchmarks/speed.py [--device cuda --size sd15]`: what a card and a deck cost, each way to draw them.

`--size sd15` makes the shape of SD 1.5 with random weights on the device; nothing is downloaded. Rates are of the
FLOP that a card's UNet calls and its decode take, and shares of the rate of a large matrix product, measured here.
A deck is 54 cards: `s/deck` is 54 times `s/card`, but where the measure says "54 cards". What there is no time for
(`--minutes`) is left out, and said.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")

import msgspec  # noqa: E402
import torch  # noqa: E402
from desk import Desk, bare_loop, fresh_worker  # noqa: E402
from shapes import STARTER, build_sd15, flops_of, matmul_rate, seconds_of, write_loras  # noqa: E402
from table import RESULTS, Line, heading, report  # noqa: E402

from imagineerd import link  # noqa: E402
from imagineerd.jobs import GenerateSpec  # noqa: E402
from imagineerd.worker.devices import Device, choose, set_up  # noqa: E402
from imagineerd.worker.mixing import apply_mix  # noqa: E402
from imagineerd.worker.models import Model  # noqa: E402
from imagineerd.worker.selftest import slots_are_independent  # noqa: E402
from imagineerd.worker.tuning import Cells, measure  # noqa: E402

DECK = 54
COLUMNS = ("measure", "batch", "s/card", "s/deck", "it/s", "TFLOP/s", "share", "beside", "note")
STEPS = {"starter": 20, "sd15": 25}
SIZES = {"starter": (96, 144), "sd15": (512, 720)}
GUIDANCE = 7.5
SEED = 4711
BARE_GOAL = 1.03


class Row(msgspec.Struct, frozen=True):
    """One measure. `beside` is how often it fits into the time of the bare loop; 0 where there is no card."""

    measure: str
    batch: int = 0
    card_s: float = 0.0
    its: float = 0.0
    tflops: float = 0.0
    share: float = 0.0
    beside: float = 0.0
    note: str = ""


class Bench:
    """One run: the model, the device, the clock, and the rows so far."""

    def __init__(self, hardware: link.Hardware, shape: str, cards: int, minutes: float, folder: Path) -> None:
        self.hardware = hardware
        self.device: Device = choose(hardware)
        set_up(self.device, hardware.threads)
        self.load = os.getloadavg()[0]
        self.end = time.monotonic() + 60 * minutes
        self.width, self.height = SIZES[shape]
        self.steps = STEPS[shape]
        self.folder = folder
        self.rows: list[Row] = []
        self.path = STARTER if shape == "starter" else _built(folder, self.device)
        self.source = link.ModelSource(shape, str(self.path))
        self.specs = self.cards(cards)
        unet, vae = flops_of(self.path, self.width, self.height)
        self.work = self.steps * unet + vae
        self.rate = matmul_rate(self.device.handle, self.device.dtype)
        self.bare = 0.0

    def cards(self, count: int) -> list[GenerateSpec]:
        """Return as many different cards."""
        return [
            GenerateSpec(
                prompt=f"card {number}, gold on black",
                negative_prompt="blurry",
                width=self.width,
                height=self.height,
                steps=self.steps,
                guidance_scale=GUIDANCE,
                seed=SEED + number,
                model="model",
            )
            for number in range(count)
        ]

    def add(self, measure: str, batch: int, act: Callable[[], float], *, cards: int = 0, note: str = "") -> float:
        """Measure seconds for some cards and add a row; return the seconds a card, 0 where there was no time."""
        if self.is_late(measure):
            return 0.0
        sys.stderr.write(f"{measure}, batch {batch} …\n")
        try:
            each = act() / (cards or len(self.specs))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in its row
            traceback.print_exc()
            self.rows.append(Row(measure, batch, note=f"broke: {error!r}"[:100]))
            return 0.0
        rate = self.work / each
        beside = self.bare / each if self.bare else 0.0
        self.rows.append(Row(measure, batch, each, self.steps / each, rate / 1e12, rate / self.rate, beside, note))
        return each

    def is_late(self, measure: str) -> bool:
        """Say whether there is no time for this measure, here and in the table."""
        if time.monotonic() <= self.end:
            return False
        self.rows.append(Row(measure, note="left out: no time"))
        return True

    def say(self, measure: str, note: str, batch: int = 0) -> None:
        """Add a row that has no card."""
        sys.stderr.write(f"{measure}: {note}\n")
        self.rows.append(Row(measure, batch, note=note))


def _built(folder: Path, device: Device) -> Path:
    sys.stderr.write("Making the shape of SD 1.5 …\n")
    return build_sd15(folder / "sd15", device.handle, device.dtype)


# ---------------------------------------------------------------- measures


def run(bench: Bench) -> None:
    """Do all measures, the ones that goals speak of first."""
    desk = Desk(bench.device, bench.source, bench.folder)
    mix = write_loras(bench.folder, desk.model.unet)
    sizes = bench.device.batch_sizes
    beside_others(bench, mix)
    best = eager(bench, desk, mix, sizes)
    details(bench, desk, mix, best)
    if bench.device.kind == "cuda":
        compiled(bench, desk, mix, sizes, best)
    bench.add("one process for each picture", 1, lambda: _one_process(bench), cards=1)
    starts(bench, best)


def beside_others(bench: Bench, mix: list[tuple[str, str, float]]) -> None:
    """Measure what others write: a loop around diffusers' pipeline, and the same with adapters."""
    few = bench.specs[: max(2, len(bench.specs) // 2)]
    for name, adapters in (("bare StableDiffusionPipeline loop", []), ("the same, 2 stacked adapters", mix)):
        with bare_loop(str(bench.path), bench.folder, str(bench.device.handle), adapters) as draw:
            draw(few[:1])
            each = bench.add(name, 1, lambda draw=draw: draw(few), cards=len(few))
        bench.bare = bench.bare or each


def eager(bench: Bench, desk: Desk, mix: list[tuple[str, str, float]], sizes: tuple[int, ...]) -> int:
    """Measure each batch size without and with LoRAs; return the fastest."""
    found: dict[int, float] = {}
    for size in sizes:
        desk.deal(bench.specs[:1], size)
        if each := bench.add("ours", size, lambda size=size: desk.deal(bench.specs, size)):
            found[size] = each
    best = min(found, key=found.__getitem__, default=1)
    desk.deal(bench.specs[:1], best, mix)
    bench.add("ours, 2 LoRAs", best, lambda: desk.deal(bench.specs, best, mix))
    return best


def details(bench: Bench, desk: Desk, mix: list[tuple[str, str, float]], best: int) -> None:
    """Measure previews, overlap, a change of the mix, the odd size, and what the worker finds out about itself."""
    bench.add("ours, previews of every card", best, lambda: desk.deal(bench.specs, best, watched=True))
    bench.add("ours, files before the next order", best, lambda: desk.deal(bench.specs, best, beside=False))
    model = desk.model
    apply_mix(model, mix)
    change = min(seconds_of(bench.device.handle, lambda: (apply_mix(model, []), apply_mix(model, mix)), runs=2))
    bench.say("from no LoRA to 2 and back", f"{1000 * change:.1f} ms")
    apply_mix(model, [])
    odd_size(bench, model, best)
    bench.say("neighbours change no bit", str(slots_are_independent(model, bench.device)))
    cells = Cells(bench.height // 8, bench.width // 8)
    for size, found in measure(model, bench.device, cells, bench.device.batch_sizes).items():
        peak = f", peak {found.peak / 1e9:.2f} GB above the weights" if found.peak else ""
        bench.say("one UNet call, as the worker measures it", f"{1000 * found.seconds:.1f} ms{peak}", size)


def odd_size(bench: Bench, model: Model, size: int) -> None:
    """Compare a size whose latents do not halve evenly down to the lowest level with the next smaller that does."""
    deep = 2 ** (len(model.unet.config.block_out_channels) - 1)
    height, width = bench.height // 8, bench.width // 8
    even = height // deep * deep
    odd_s, even_s = (min(_calls(bench, model, size, rows, width)) for rows in (height, even))
    ratio = (odd_s / height) / (even_s / even)
    bench.say(f"UNet at {8 * height} rows beside {8 * even}", f"{ratio:.3f} times the time a row of latents", size)


def compiled(bench: Bench, desk: Desk, mix: list[tuple[str, str, float]], sizes: tuple[int, ...], best: int) -> None:
    """Measure memory format and compilation, and the deck that the goal speaks of."""
    desk.model.unet.to(memory_format=torch.channels_last)
    bench.add("ours, channels_last", best, lambda: desk.deal(bench.specs, best))
    if bench.is_late("compiling the UNet"):
        return
    seconds = desk.compile(sizes, bench.height, bench.width)
    bench.say("compiling the UNet", f"{seconds:.0f} s for batches {', '.join(map(str, sizes))}")
    made = _graphs_made()
    for size in sizes:
        desk.deal(bench.specs[:1], size)
        bench.add("ours, compiled", size, lambda size=size: desk.deal(bench.specs, size))
    deck = bench.cards(DECK)
    bench.add("ours, compiled, 2 LoRAs, 54 cards", best, lambda: desk.deal(deck, best, mix), cards=DECK)
    bench.say("graphs made after that, for the mix among others", str(_graphs_made() - made))
    desk.model.graphs = None
    bench.add("ours, channels_last, 2 LoRAs, 54 cards", best, lambda: desk.deal(deck, best, mix), cards=DECK)
    _cuda_graphs(bench, desk.model, best)


def starts(bench: Bench, best: int) -> None:
    """Measure a worker's first deck, from the start of its process, and its second."""
    if bench.is_late("a worker's first deck, from its start"):
        return
    first, later = fresh_worker(bench.hardware, bench.source, bench.specs, best)
    bench.add("a worker's first deck, from its start", best, lambda: first)
    bench.add("its second deck", best, lambda: later)


def _one_process(bench: Bench) -> float:
    began = time.perf_counter()
    with bare_loop(str(bench.path), bench.folder, str(bench.device.handle), []) as draw:
        draw(bench.specs[:1])
    return time.perf_counter() - began


@torch.no_grad()
def _cuda_graphs(bench: Bench, model: Model, best: int) -> None:
    """Time UNet calls alone: eager, and compiled with CUDA graphs."""
    cells = bench.height // 8, bench.width // 8
    for size in sorted({1, best}):
        eager_s = min(_calls(bench, model, size, *cells))
        if bench.is_late("one UNet call, CUDA graphs beside eager"):
            return
        graphed: Any = torch.compile(model.unet, mode="reduce-overhead", fullgraph=True)
        rows, text = _inputs(model, size, *cells)
        at = torch.tensor(500.0, device=model.device)
        call = partial(graphed, rows, at, encoder_hidden_states=text, return_dict=False)
        seconds = min(seconds_of(bench.device.handle, call, runs=8))  # it records at the second call
        bench.say("one UNet call, CUDA graphs beside eager", f"{1000 * seconds:.1f} ms, {1000 * eager_s:.1f} ms", size)


@torch.no_grad()
def _calls(bench: Bench, model: Model, size: int, height: int, width: int) -> list[float]:
    rows, text = _inputs(model, size, height, width)
    at = torch.tensor(500, device=model.device)
    return seconds_of(bench.device.handle, lambda: model.unet(rows, at, encoder_hidden_states=text), runs=5)


def _inputs(model: Model, size: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    about = {"device": model.device, "dtype": model.dtype}
    rows = torch.randn(2 * size, model.unet.config.in_channels, height, width, **about)
    return rows, torch.randn(2 * size, 77, model.unet.config.cross_attention_dim, **about)


def _graphs_made() -> int:
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


# ---------------------------------------------------------------- the table


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table whose columns stand in line."""
    cells = [COLUMNS, *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    texts = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in cells]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def _cells(row: Row) -> tuple[str, ...]:
    batch = str(row.batch or "")
    if not row.card_s:
        return (row.measure, batch, "", "", "", "", "", "", row.note)
    beside = f"{row.beside:.2f}x" if row.beside else ""
    return (
        row.measure,
        batch,
        f"{row.card_s:.4g}",
        f"{DECK * row.card_s:.4g}",
        f"{row.its:.4g}",
        f"{row.tflops:.4g}",
        f"{row.share:.1%}",
        beside,
        row.note,
    )


def about(bench: Bench) -> str:
    """Return what the numbers depend on."""
    device, load = bench.device, os.getloadavg()[0]
    return (
        f"{heading(report([], bench.load, load))}\n"
        f"{device.name}, {device.dtype_name}, CUDA {torch.version.cuda}, cuDNN {_cudnn()}, "
        f"{torch.get_num_threads()} threads; a matrix product runs at {bench.rate / 1e12:.4g} TFLOP/s\n"
        f"{bench.source.name} at {bench.width}x{bench.height}, {bench.steps} steps with guidance: "
        f"{bench.work / 1e12:.3g} TFLOP a card"
    )


def _cudnn() -> object:
    return torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None


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
    ours = {row.batch: row.card_s for row in bench.rows if row.measure == "ours"}
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
    parser.add_argument("--cards", type=int, default=16, help="cards of each measure")
    parser.add_argument("--minutes", type=float, default=8.0, help="nothing is begun after that")
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
