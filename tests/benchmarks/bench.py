"""One run of `speed.py`: the model, the device, the clock, and the table of what was measured so far."""

from __future__ import annotations

import itertools
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from rows import Row, Timed, table
from shapes import SD15, STARTER, build, flops_of, matmul_rate
from table import heading, report

from imagineerd import link
from imagineerd.jobs import GenerateSpec
from imagineerd.replacing import replace_file
from imagineerd.worker.devices import Device, choose, free_cached, set_up

GUIDANCE = 7.5
SEED = 4711
SLACK = 1.2
"""What a measure may take beside what it is expected to."""


class Size(NamedTuple):
    """What is drawn: pixels, steps, and how to come by the model's folder."""

    width: int
    height: int
    steps: int
    make: Callable[[Path, Device], Path]


SIZES = {
    "starter": Size(128, 192, 20, lambda _folder, _device: STARTER),
    "sd15": Size(512, 720, 25, lambda folder, device: build(folder, SD15, device.handle, device.dtype)),
}


class Saved(msgspec.Struct, frozen=True):
    """The file that is left: what the numbers depend on, and the rows."""

    about: list[str]
    rows: list[Row]


class Bench:
    """What is measured with. Each row is told, and written to `file` (`.md` and `.json`), as soon as it is there.

    So a run that is cut short, by whatever it may be, has said what it saw. `end` is the moment, by `time.monotonic`,
    at which it must be over; `count` the cards of a measure, at most; `at` what is being measured; `remark` what must
    be said of every row from now on.
    """

    def __init__(  # noqa: PLR0913 - what a run depends on
        self,
        hardware: link.Hardware,
        name: str,
        folder: Path,
        *,
        count: int,
        end: float,
        file: Path | None = None,
    ) -> None:
        self.hardware = hardware
        self.device: Device = choose(hardware)
        set_up(self.device, hardware.threads)
        self.load = os.getloadavg()[0]
        self.name = name
        self.width, self.height, self.steps, self._make = SIZES[name]
        self.count = count
        self.end = end
        self.folder = folder
        self.file = file
        self.rows: list[Row] = []
        self.at = self.remark = ""
        self.path = Path()
        self.source = link.ModelSource(name)
        self.unet_work = self.vae_work = self.rate = self.bare = 0.0
        self._prompts = itertools.count()

    def prepare(self) -> None:
        """Come by the model; count what a card takes, and measure what the device could do."""
        self.at = f"making {self.name}"
        self.path = self._make(self.folder / self.name, self.device)
        self.source = link.ModelSource(self.name, str(self.path))
        self.unet_work, self.vae_work = flops_of(self.path, self.width, self.height)
        self.rate = matmul_rate(self.device.handle, self.device.dtype)
        self.say("a matrix product", f"{self.rate / 1e12:.4g} TFLOP/s")

    @property
    def work(self) -> float:
        """FLOP of a card."""
        return self.steps * self.unet_work + self.vae_work

    @property
    def left_s(self) -> float:
        """Seconds until the run must be over."""
        return self.end - time.monotonic()

    def cards(self, count: int) -> list[GenerateSpec]:
        """Return as many cards that nobody has drawn yet, so that their prompts are encoded as those of a deck are."""
        return [self._card(next(self._prompts), self.steps) for _ in range(count)]

    def warming_up(self) -> list[GenerateSpec]:
        """Return a card of two steps, for what a device does at its first call of a shape alone."""
        return [self._card(next(self._prompts), 2)]

    def some(self, size: int) -> int:
        """Return the cards that measure a batch size: on a GPU, whose clock is steady, one call of them is enough."""
        return max(size, self.count // 4) if self.device.kind == "cuda" else self.count

    def add(self, measure: str, batch: int, act: Callable[[], Timed], cards: int) -> float:
        """Measure seconds for some cards and add a row; return the seconds a card, 0 where there are none to tell."""
        self.at = f"{measure}, batch {batch}" if batch else measure
        if self.is_late(measure, cards * min((row.card_s for row in self.rows if row.card_s), default=0.0), batch):
            return 0.0
        try:
            return self._measured(measure, batch, cards, *act())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in its row
            traceback.print_exc()
            self.broke(measure, repr(error), batch)
        free_cached(self.device)  # outside `except`, whose traceback holds the tensors
        return 0.0

    def _measured(self, measure: str, batch: int, cards: int, seconds: float, note: str) -> float:
        each = seconds / cards
        rate = self.work / each
        beside = self.bare / each if self.bare else 0.0
        self.tell(Row(measure, batch, each, self.steps / each, rate / 1e12, self.share(rate), beside, note))
        self.at = ""
        return each

    def share(self, rate: float) -> float:
        """Return the part of the device's own rate that this one, in FLOP a second, is; 0 where it is not known."""
        return rate / self.rate if self.rate else 0.0

    def is_late(self, measure: str, needs_s: float, batch: int = 0) -> bool:
        """Say whether there is no time for a measure that takes so many seconds, here and in the table."""
        if SLACK * needs_s <= self.left_s:
            return False
        self.tell(Row(measure, batch, note="left out: no time"))
        return True

    def say(self, measure: str, note: str, batch: int = 0) -> None:
        """Add a row that has no card."""
        self.tell(Row(measure, batch, note=note))

    def broke(self, measure: str, why: str, batch: int = 0) -> None:
        """Add a row for what could not be measured, and say what was at hand when it broke."""
        at = f" at {self.at}" if self.at and not self.at.startswith(measure) else ""
        self.tell(Row(measure, batch, note=f"broke{at}: {why}"))

    def tell(self, row: Row) -> None:
        """Add a row, with the remark that holds for now, show it and save all that there is."""
        self.rows.append(row.remarked(self.remark))
        sys.stderr.write(" | ".join(filter(None, self.rows[-1].cells)) + "\n")
        sys.stderr.flush()
        self.save()

    def of(self, measure: str) -> dict[int, float]:
        """Return what a measure took for a card, by batch size."""
        return {row.batch: row.card_s for row in self.rows if row.measure == measure and row.card_s}

    @property
    def has_broken(self) -> bool:
        """Whether a row is missing for another reason than the time."""
        return any(row.note.startswith("broke") for row in self.rows)

    def save(self) -> None:
        """Write what there is, each file whole; a run without a `file` writes nothing, and a full disk ends none."""
        if self.file is None:
            return
        encoded = msgspec.json.format(msgspec.json.encode(Saved(about(self), self.rows)), indent=1)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.file.with_suffix(".md"), text_of(self).encode(), 0o644)
            replace_file(self.file.with_suffix(".json"), encoded + b"\n", 0o644)
        except OSError as error:
            sys.stderr.write(f"The rows cannot be saved: {error}\n")

    def _card(self, number: int, steps: int) -> GenerateSpec:
        return GenerateSpec(
            prompt=f"card {number}, gold on black",
            negative_prompt="blurry",
            width=self.width,
            height=self.height,
            steps=steps,
            guidance_scale=GUIDANCE,
            seed=SEED + number,
            model="model",
        )


def text_of(bench: Bench) -> str:
    """Return all that was found, as a text that is Markdown, too."""
    return "\n".join(about(bench)) + f"\n\n{table(bench.rows)}\n"


def about(bench: Bench) -> list[str]:
    """Return the lines that say what the numbers depend on."""
    device = bench.device
    on = (device.name, device.dtype_name, f"CUDA {torch.version.cuda}", f"cuDNN {_cudnn()}")
    what = f"{bench.name} at {bench.width}x{bench.height}, {bench.steps} steps with guidance"
    return [
        *heading(report([], bench.load, os.getloadavg()[0])).splitlines(),
        f"{', '.join(on)}, {torch.get_num_threads()} threads; a matrix product runs at {bench.rate / 1e12:.4g} TFLOP/s",
        f"{what}: {bench.work / 1e12:.3g} TFLOP a card",
    ]


def _cudnn() -> object:
    return torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None
