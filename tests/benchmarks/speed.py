"""`python tests/benchmarks/speed.py [--device cuda --size sd15]`: what a card and a deck cost, each way to draw them.

`--size sd15` makes the shape of SD 1.5 with random weights on the device; nothing is downloaded. Rates are of the
FLOP that a card's UNet calls and its decode take, and shares of the rate of a large matrix product, measured here.
A deck is 54 cards: `s/deck` is 54 times `s/card`. Where the measure says "54 cards", it was dealt as the daemon deals
it to a worker, with its prompts, the change to its mix and its files.

It is made to be run once, on a machine that is lent: what the goals speak of comes first; each stage has its time, and
what breaks one is told in a row and spares the next ones; with `--save` the files in results/ hold every row as soon as
it is there. What there is no time for (`--minutes`) is left out, and said.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

STARTED = time.monotonic()
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]
NEEDED = ("torch", "diffusers", "transformers", "tokenizers", "safetensors", "accelerate", "peft", "PIL", "msgspec")
if missing := [name for name in NEEDED if find_spec(name) is None]:
    sys.exit(f"speed.py cannot run without {', '.join(missing)}: install that first.")

from imagineerd.worker.__main__ import ENVIRONMENT  # noqa: E402

os.environ.update({name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()})  # before torch reads it

import measures  # noqa: E402
import ways  # noqa: E402
from bench import SIZES, Bench, text_of  # noqa: E402
from measures import ADAPTERS, BARE, DEALT, Run  # noqa: E402
from rows import DECK  # noqa: E402
from stages import Stage, run_stages  # noqa: E402
from table import RESULTS, Line  # noqa: E402

from imagineerd import link  # noqa: E402

BARE_GOAL = 1.03


def plan(run: Run) -> list[Stage]:
    """Return the stages, those first that the goals speak of.

    Their seconds are guessed for an H100, which is lent for minutes; on a CPU each may take what is left of the run.
    """
    first = [
        Stage("the model", run.bench.prepare, 15, 120),
        Stage(BARE, lambda: measures.bare(run, BARE, []), 25, 90),
        Stage(ADAPTERS, lambda: measures.bare(run, ADAPTERS, run.mix), 25, 90),
        Stage("ours, each size, 2 LoRAs", lambda: measures.each_size(run, run.mix), 25, 120),
        Stage(DEALT, lambda: measures.dealt(run, DEALT), 25, 120),
    ]
    then = [
        Stage("ours, each size", lambda: measures.each_size(run, []), 15, 120),
        Stage("calls", lambda: measures.single_calls(run), 15, 90),
        Stage("details", lambda: measures.details(run), 40, 120),
        Stage("growth", lambda: measures.growth(run), 20, 60),
        Stage("a fresh worker", lambda: measures.starts(run), 30, 90),
        Stage("one process for each picture", lambda: measures.one_process(run), 20, 60),
    ]
    if run.bench.device.kind != "cuda":
        return [stage._replace(limit_s=math.inf) for stage in first + then]
    whole, region = (Stage(f"compiled: {way}", lambda way=way: ways.compiled(run, way), 60, 260) for way in ways.WAYS)
    captured = Stage("captured", lambda: ways.captured(run), 30, 120)
    last = [
        region,
        Stage("compiled heights", lambda: ways.compiled_heights(run), 60, 150),
        Stage("a compiled decode", lambda: ways.compiled_decode(run), 60, 150),
    ]
    return [*first, captured, whole, *then, *last]


def measured(bench: Bench) -> None:
    """Run everything, or as much as there is time for; what ends it early is told in a row."""
    bench.save()
    with contextlib.suppress(KeyboardInterrupt):
        run_stages(bench, plan(Run(bench)))


def lines() -> list[Line]:
    """Return the goals of a CPU, with the starter model, for `run.py`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        hardware, end = link.Hardware(device="cpu"), time.monotonic() + 300
        bench = Bench(hardware, "starter", Path(folder), count=8, end=end)
        measured(bench)
    return goals_of_cpu(bench)


def goals_of_cpu(bench: Bench) -> list[Line]:
    """Return how far they are reached. Raises `RuntimeError` where what they speak of was not measured."""
    alone, deck = bench.of("ours").get(1), bench.of(DEALT).get(0)
    if not (bench.bare and alone and deck):
        raise RuntimeError("The bare loop, a card at batch 1 or the deck was not measured: see the rows above.")
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
            ("a card at batch 1, written", alone, BARE_GOAL),
            (f"a card in a deck of {DECK} with 2 LoRAs, written", deck, 1.0),
        )
    ]


def main() -> int:
    """Measure, print the table, and save it if asked to; return 1 where something broke."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--size", choices=sorted(SIZES), default="starter")
    parser.add_argument("--cards", type=int, default=16, help="cards of a measure, at most")
    parser.add_argument("--minutes", type=float, default=8.5, help="nothing is begun that would end after that")
    parser.add_argument("--save", action="store_true", help="write each row into results/, too, as soon as it is there")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    stem = f"{time.strftime('%Y-%m-%d_%H%M%S')}_speed_{options.device.partition(':')[0]}_{options.size}"
    file = RESULTS / stem if options.save else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        hardware, end = link.Hardware(device=options.device), STARTED + 60 * options.minutes
        bench = Bench(hardware, options.size, Path(folder), count=options.cards, end=end, file=file)
        measured(bench)
    sys.stdout.write(text_of(bench))
    return int(bench.has_broken)


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a compiler that was cut may still be at work in its thread
