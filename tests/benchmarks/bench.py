"""One run of `speed.py`: the model, the device, the clock, and the table of what was measured so far."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import torch
from shapes import STARTER, build_sd15, flops_of, matmul_rate
from table import heading, in_columns, report

from imagineerd import link
from imagineerd.jobs import GenerateSpec
from imagineerd.worker.devices import Device, choose, set_up

DECK = 54
COLUMNS = ("measure", "batch", "s/card", "s/deck", "it/s", "TFLOP/s", "share", "beside", "note")
STEPS = {"starter": 20, "sd15": 25}
SIZES = {"starter": (96, 144), "sd15": (512, 720)}
GUIDANCE = 7.5
SEED = 4711
SLACK = 1.2
"""What a measure may take beside what it is expected to."""


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

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is shown."""
        batch = str(self.batch or "")
        if not self.card_s:
            return (self.measure, batch, "", "", "", "", "", "", self.note)
        return (
            self.measure,
            batch,
            f"{self.card_s:.4g}",
            f"{DECK * self.card_s:.4g}",
            f"{self.its:.4g}",
            f"{self.tflops:.4g}",
            f"{self.share:.1%}",
            f"{self.beside:.2f}x" if self.beside else "",
            self.note,
        )


class Bench:
    """What is measured with. Each row is told as soon as it is there: a run that is cut short has said what it saw."""

    def __init__(self, hardware: link.Hardware, shape: str, cards: int, minutes: float, folder: Path) -> None:
        self.hardware = hardware
        self.end = time.monotonic() + 60 * minutes
        self.device: Device = choose(hardware)
        set_up(self.device, hardware.threads)
        self.load = os.getloadavg()[0]
        self.width, self.height = SIZES[shape]
        self.steps = STEPS[shape]
        self.folder = folder
        self.rows: list[Row] = []
        self.path = STARTER if shape == "starter" else _built(folder, self.device)
        self.source = link.ModelSource(shape, str(self.path))
        self.specs = self.cards(cards)
        self.unet_work, vae_work = flops_of(self.path, self.width, self.height)
        self.work = self.steps * self.unet_work + vae_work
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

    def some(self, size: int) -> list[GenerateSpec]:
        """Return the cards that measure a batch size: on a GPU, whose clock is steady, one call of them is enough."""
        return self.specs[: max(size, len(self.specs) // 4)] if self.device.kind == "cuda" else self.specs

    def add(self, measure: str, batch: int, act: Callable[[], float], *, cards: int = 0, note: str = "") -> float:
        """Measure seconds for some cards and add a row; return the seconds a card, 0 where there was no time."""
        cards = cards or len(self.specs)
        if self.is_late(measure, cards * min((row.card_s for row in self.rows if row.card_s), default=0.0)):
            return 0.0
        try:
            each = act() / cards
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in its row
            traceback.print_exc()
            self._tell(Row(measure, batch, note=f"broke: {error!r}"[:100]))
            return 0.0
        rate = self.work / each
        beside = self.bare / each if self.bare else 0.0
        self._tell(Row(measure, batch, each, self.steps / each, rate / 1e12, rate / self.rate, beside, note))
        return each

    def is_late(self, measure: str, needs_s: float) -> bool:
        """Say whether there is no time for a measure that takes so many seconds, here and in the table."""
        if time.monotonic() + SLACK * needs_s <= self.end:
            return False
        self._tell(Row(measure, note="left out: no time"))
        return True

    def say(self, measure: str, note: str, batch: int = 0) -> None:
        """Add a row that has no card."""
        self._tell(Row(measure, batch, note=note))

    def of(self, measure: str) -> dict[int, float]:
        """Return what a measure took for a card, by batch size."""
        return {row.batch: row.card_s for row in self.rows if row.measure == measure and row.card_s}

    def _tell(self, row: Row) -> None:
        self.rows.append(row)
        sys.stderr.write(" | ".join(filter(None, row.cells)) + "\n")


def _built(folder: Path, device: Device) -> Path:
    sys.stderr.write("Making the shape of SD 1.5 …\n")
    return build_sd15(folder / "sd15", device.handle, device.dtype)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    return in_columns([COLUMNS, *(row.cells for row in rows)])


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
