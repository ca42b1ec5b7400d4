"""How many pictures a call draws: as many as the device is fastest with, among those that fit its memory now.

An order gives a batch size; a call may be smaller, never larger. On CUDA each fixed size is tried once, for a model and
a picture size: the seconds of a UNet call, and the memory at its peak with the decode. What was measured at every size
stands on disk for this device, model, dtype and these versions, and is never measured again while it stands, so that
workers and restarts choose by the same figures. The choice itself depends on the memory that is free just then: a
picture has the same bits at the same size, and its sidecar tells the size. Elsewhere nothing is measured: the sizes of
a CPU are few and small, and the clock of a busy machine must not decide on bits.

While a graph is compiled nothing is measured, as neither the clock nor the peak would be the call's own: meanwhile the
order's size is taken. Where memory runs out all the same, the call is halved (kinds/generate.py), and the size that
fitted is remembered as long as the model stays loaded.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import diffusers
import msgspec
import torch

from imagineerd.worker.compiling import alone
from imagineerd.worker.decode import decode, decode_size
from imagineerd.worker.devices import Device, free_memory, synchronize
from imagineerd.worker.failures import is_out_of_memory
from imagineerd.worker.keeping import keep, kept
from imagineerd.worker.memory import RESERVE, with_peak
from imagineerd.worker.models import Model

CALLS: Final = 3
"""UNet calls that are timed at each size, after one that is not."""
NEAR: Final = 1.03
"""So much is as fast, for a clock. Of such sizes the smallest is taken: its pictures come sooner, in less memory."""


class Measured(msgspec.Struct, frozen=True):
    """One UNet call of so many pictures with guidance: seconds, and bytes at its peak above what stood there before."""

    seconds: float
    peak: int


class Cells(NamedTuple):
    """The size of a picture's latents."""

    height: int
    width: int


_Table = dict[int, Measured]


class Tuning:
    """What is known of each model that is loaded. `folder` keeps measurements; None keeps them in this process."""

    def __init__(self, device: Device, folder: Path | None) -> None:
        self._device = device
        self._folder = folder
        self._tables: WeakKeyDictionary[Model, dict[Cells, _Table]] = WeakKeyDictionary()
        self._fitted: WeakKeyDictionary[Model, dict[Cells, int]] = WeakKeyDictionary()

    def size(self, model: Model, cells: Cells, wanted: int) -> int:
        """Return the size of the calls of an order for `wanted` pictures: at most that, at least 1."""
        limit = self._fitted.get(model, {}).get(cells, wanted)
        table = self._table(model, cells) if self._device.kind == "cuda" else None
        if table is None:
            return min(wanted, limit)
        fitted = {size: found for size, found in table.items() if size <= limit}
        held = sum(loaded.captures.held for loaded in self._tables)  # torch counts it as unused
        return choose(fitted, wanted, free_memory(self._device) - held)

    def call_seconds(self, model: Model, cells: Cells) -> dict[int, float]:
        """Return what a UNet call takes, by its size; empty where nothing was measured."""
        table = self._tables.get(model, {}).get(cells, {})
        return {size: found.seconds for size, found in table.items()}

    def fitted(self, model: Model, cells: Cells, size: int) -> None:
        """Remember that memory ran out above this size, and not at it; what is compiled meanwhile takes some, too."""
        with alone() as is_alone:
            if is_alone:
                self._fitted.setdefault(model, {})[cells] = size

    def _table(self, model: Model, cells: Cells) -> _Table | None:
        """Return the measurements, made now if need be; None while something is compiled."""
        tables = self._tables.setdefault(model, {})
        if cells in tables:
            return tables[cells]
        table = kept(self._path(model, cells), _Table) or self._sweep(model, cells)
        if table:  # without any memory nothing was measured: the next order tries again
            tables[cells] = table
        return table

    def _sweep(self, model: Model, cells: Cells) -> _Table | None:
        with alone() as is_alone:
            if not is_alone:
                return None
            table = measure(model, self._device, cells, self._device.batch_sizes)
        is_whole = len(table) == len(self._device.batch_sizes)  # else memory ran out, for today perhaps
        return keep(self._path(model, cells), _Table, table) if is_whole else table

    def _path(self, model: Model, cells: Cells) -> Path | None:
        name = f"{fingerprint(model, self._device)}-{cells.width}x{cells.height}.json"
        return self._folder / name if self._folder else None


def choose(table: Mapping[int, Measured], wanted: int, free: int) -> int:
    """Return the smallest of the sizes whose calls draw `wanted` pictures about the soonest, and fit `free` bytes.

    All calls of an order have one size, so that the last one may be padded; none is larger than the order.
    """
    took = {
        size: math.ceil(wanted / size) * found.seconds
        for size, found in table.items()
        if size <= wanted and found.peak * RESERVE <= free
    }
    return min((size for size, seconds in took.items() if seconds <= min(took.values()) * NEAR), default=1)


@torch.no_grad()
def measure(model: Model, device: Device, cells: Cells, sizes: Sequence[int]) -> _Table:
    """Try the sizes, ascending, until one does not fit."""
    table: _Table = {}
    for size in sizes:
        try:
            table[size] = _measured(model, device, cells, size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return table
    return table


def fingerprint(model: Model, device: Device) -> str:
    """Return what a measurement depends on besides the picture's size, as 16 hex digits."""
    cudnn: Any = torch.backends.cudnn
    versions = (torch.__version__, torch.version.cuda, cudnn.version(), diffusers.__version__)
    switches = (device.slice_attention, device.slice_vae, device.offload, device.compile)
    named = (device.name, device.memory, device.batch_sizes, model.name, model.revision, device.dtype_name)
    facts = (*named, *switches, *versions)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _measured(model: Model, device: Device, cells: Cells, size: int) -> Measured:
    shape = (2 * size, model.unet.config.in_channels, *cells)
    rows = torch.zeros(shape, device=model.device, dtype=model.dtype)
    text = torch.zeros((2 * size, 77, model.unet.config.cross_attention_dim), device=model.device, dtype=model.dtype)
    at = torch.tensor(500, device=model.device)

    def calls() -> float:
        seconds = [timed(device, lambda: model.unet(rows, at, encoder_hidden_states=text)) for _ in range(1 + CALLS)]
        together = decode_size(model, device, rows, size)
        decode(model, rows[:together], together).seconds()
        return min(seconds[1:])

    return Measured(*with_peak(device, calls))


def timed(device: Device, work: Callable[[], object]) -> float:
    """Return the seconds until the device has done the work."""
    synchronize(device)
    started = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - started
