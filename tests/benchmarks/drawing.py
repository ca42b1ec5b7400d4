"""A deck of twelve by a warm daemon, by a bare warm pipeline, and by one process for each picture."""

from __future__ import annotations

import contextlib
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from houses import REAL, House, cpu_seconds, house, timed
from table import Line, median_of, seconds

from imagineerd.client import Client
from imagineerd.protocol import Settings, TakeAdded

ROUNDS = 3
OLD_WAY_ROUNDS = 2
SEED = 4711
THEME = "gold on black"
OLD_WAY_GOAL = 15.0
BARE_GOAL = 1.03
MEASURE = "12 cards, until the last is on disk"
PIPELINE = (sys.executable, str(Path(__file__).with_name("pipeline.py")))
Card = dict[str, object]


def lines() -> list[Line]:
    """Deal, loop and start over, in turn."""
    with house(REAL) as found, found.client() as client:
        cards = _cards(client)
        _deal(client)
        with _bare_loop(found, cards) as draw:
            draw()
            beside_bare = median_of(ROUNDS, lambda: _deal(client), draw)
        spent = _cpu_of_daemon(found, client), _cpu_of_children()
        beside_old = median_of(OLD_WAY_ROUNDS, lambda: _deal(client), lambda: _one_process(found, cards[0]))
        spent_on_decks = (_cpu_of_daemon(found, client) - spent[0]) / OLD_WAY_ROUNDS
        spent_on_one = (_cpu_of_children() - spent[1]) / OLD_WAY_ROUNDS
    return [_beside_bare(*beside_bare), *_beside_old(beside_old, spent_on_decks, spent_on_one, len(cards))]


def _beside_bare(ours: list[float], bare: list[float]) -> Line:
    ratio = statistics.median(ours) / statistics.median(bare)
    return Line(
        benchmark="drawing",
        measure=MEASURE,
        imagineer=seconds(ours),
        reference=f"warm StableDiffusionPipeline, batch 1: {seconds(bare)}",
        ratio=ratio,
        goal=f"<= {BARE_GOAL}",
        met=ratio <= BARE_GOAL,
    )


def _beside_old(times: list[list[float]], deck_cpu: float, one_cpu: float, cards: int) -> list[Line]:
    ours, one = times
    ratio = cards * statistics.median(one) / statistics.median(ours)
    how = f"{cards} times the median of {len(one)}"
    return [
        Line(
            benchmark="drawing",
            measure=MEASURE,
            imagineer=seconds(ours),
            reference=f"one process each: {cards * statistics.median(one):.1f} s ({how})",
            ratio=ratio,
            goal=f">= {OLD_WAY_GOAL:g}, 2 idle cores",
            met=ratio >= OLD_WAY_GOAL,
        ),
        Line(
            benchmark="drawing",
            measure="12 cards, processor time of daemon and worker",
            imagineer=f"{deck_cpu:.2f} s",
            reference=f"one process each: {cards * one_cpu:.1f} s",
            ratio=cards * one_cpu / deck_cpu,
        ),
    ]


def _cards(client: Client) -> list[Card]:
    """Return what `pipeline.py` needs to draw the same cards."""
    plan = client.plan("zodiac", THEME, Settings(seed=SEED))
    return [
        {
            "prompt": card.prompt,
            "negative_prompt": card.negative_prompt,
            "width": plan.width,
            "height": plan.height,
            "num_inference_steps": card.steps,
            "guidance_scale": card.guidance_scale,
            "seed": card.seed,
        }
        for card in plan.cards
    ]


def _deal(client: Client) -> float:
    """Deal the deck; return the seconds until its last picture is known."""
    messages = client.events(ticks_hz=0)
    next(messages)

    def deal() -> None:
        left = set(client.deal("zodiac", THEME, Settings(seed=SEED), fresh=True).jobs)
        while left:
            match next(messages):
                case (_, TakeAdded(take=take)):
                    left.discard(take.job)

    return timed(deal)


@contextlib.contextmanager
def _bare_loop(found: House, cards: list[Card]) -> Iterator[Callable[[], float]]:
    """Give a function that has a warm pipeline draw the cards, and returns the seconds."""
    command = (*PIPELINE, str(found.paths.starter_model), str(found.root))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=found.environ, text=True, **pipes)
    try:

        def draw() -> float:
            process.stdin.write(json.dumps(cards) + "\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        yield draw
    finally:
        process.stdin.close()
        process.wait()


def _one_process(found: House, card: Card) -> float:
    command = (*PIPELINE, str(found.paths.starter_model), str(found.root))
    order = json.dumps([card]) + "\n"
    return timed(
        lambda: subprocess.run(command, env=found.environ, input=order, text=True, check=True, capture_output=True)
    )


def _cpu_of_daemon(found: House, client: Client) -> float:
    return cpu_seconds(found.process.pid) + cpu_seconds(client.status().worker.pid)


def _cpu_of_children() -> float:
    """Return the processor time of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
