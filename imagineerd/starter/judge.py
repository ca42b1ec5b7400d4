"""Measures the starter model: `python -m imagineerd.starter.judge MODEL --work DIR` prints one table.

Prompts and seeds are drawn at random from a seed that no training or tuning used. Two judges read the cards: small
networks (lenient) and the nearest training drawing (strict). Both also read held-out drawings after a pass through the
autoencoder: that is the ceiling, which no UNet can beat.
"""

import argparse
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from diffusers import AutoencoderKL
from numpy.typing import NDArray

from imagineerd.starter.concepts import CONCEPTS, Concept
from imagineerd.starter.drawing.card import Recipe, draw_card
from imagineerd.starter.judging import reader as network
from imagineerd.starter.judging import templates
from imagineerd.starter.judging.questions import BARS, BY_NAME, Reading, Share, tally
from imagineerd.starter.judging.train_reader import through, trained_readers
from imagineerd.starter.pictures import STYLE_NAMES, Label
from imagineerd.starter.prompts import PromptWriter, read_decks
from imagineerd.starter.sheet import Shot, open_pipeline, sample
from imagineerd.starter.vocabulary import THEMES

UNUSED_SEED = 97_531
STYLED_SHARE = 0.3
CEILING_SEED = 900  # of the held-out drawings

Table = dict[str, dict[str, Share]]  # column -> question -> share


@dataclass(frozen=True)
class Ask:
    """A prompt with what it asks for."""

    label: Label
    shot: Shot


def asks(rounds: int) -> list[Ask]:
    """Every concept `rounds` times, in random themes and styles, worded as sets and people word them."""
    rng = Random(UNUSED_SEED)  # noqa: S311
    writer = PromptWriter(read_decks(), rng, drop_share=0)
    return [_ask(concept, writer, rng) for _ in range(rounds) for concept in CONCEPTS]


def _ask(concept: Concept, writer: PromptWriter, rng: Random) -> Ask:
    style = rng.choice(STYLE_NAMES[1:]) if rng.random() < STYLED_SHARE else ""
    label = Label(concept.name, rng.choice(list(THEMES)), style)
    return Ask(label, Shot(writer.write(label), rng.randrange(2**32)))


def held_out(labels: list[Label]) -> NDArray[np.uint8]:
    """Drawings [n, h, w, 3] of the same cards, with seeds that trained nothing."""
    cards = [Recipe(BY_NAME[label.concept], label.theme, label.style, seed=CEILING_SEED) for label in labels]
    return np.stack([draw_card(card) for card in cards])


def measure(model: Path, work: Path, rounds: int) -> Table:
    """All four columns of the table; the drawn cards are kept in `work`."""
    chosen = asks(rounds)
    shown = [ask.label for ask in chosen]
    pipe = open_pipeline(model)
    images = sample(pipe, [ask.shot for ask in chosen], steps=20, guidance=3.0)
    for i, image in enumerate(images):
        image.save(work / f"asked-{i:04}.png")
    return read_all(pipe.vae, work, shown, np.stack([np.asarray(image) for image in images]))


def read_all(vae: AutoencoderKL, work: Path, shown: list[Label], drawn: NDArray[np.uint8]) -> Table:
    """What both judges say of the drawn cards and of the autoencoder's best."""
    best = through(vae, held_out(shown))
    readers = trained_readers(vae, work)
    readings: dict[str, list[Reading]] = {
        "network": network.read(readers, drawn),
        "template": templates.read(drawn, shown),
        "network's ceiling": network.read(readers, best),
        "template's ceiling": templates.read(best, shown),
    }
    return {column: tally(shown, read) for column, read in readings.items()}


def lay_out(table: Table) -> str:
    """The table as text: a row per question, percentages, the bar last."""
    lines = [f"{'':14}{''.join(f'{column:>20}' for column in table)}{'asked':>8}{'bar':>7}"]
    for question, bar in BARS.items():
        shares = [column[question] for column in table.values()]
        cells = "".join(f"{share.percent:20.1f}" for share in shares)
        lines.append(f"{question:14}{cells}{shares[0].asked:8}{bar:7.1f}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder for the readers and the drawn cards")
    parser.add_argument("--rounds", type=int, default=4, help="times that each of the 88 cards is asked for")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(lay_out(measure(given.model, given.work, given.rounds)))


if __name__ == "__main__":
    main()
