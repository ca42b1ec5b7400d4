"""Whether a compiled UNet pays here: it is raced against the plain one, once for each shape of call.

The thread that draws runs the race, between two waves, when the graph is warm and nothing is compiled: so nothing else
is on the device, and both do the very call that is to be drawn next, each captured (capturing.py) if it can be. Who won
stands on disk beside the sizes of calls (tuning.py). What lost is not even compiled while that stands.

A compiled call that loses the device takes the worker with it. So a mark stands on disk while a race is run: where one
is found, another worker races, or one did not outlive its race, and the plain UNet draws. It may be deleted.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import msgspec
import torch

from imagineerd.errors import OutOfMemory
from imagineerd.worker.compiling import Compiled, Eager, Graphs, Shape, Way, alone, made_up
from imagineerd.worker.devices import Device
from imagineerd.worker.failures import is_device_lost
from imagineerd.worker.keeping import keep, kept
from imagineerd.worker.memory import within_memory
from imagineerd.worker.models import Model
from imagineerd.worker.tuning import CALLS, NEAR, fingerprint, timed


class Race(msgspec.Struct, frozen=True):
    """The seconds of a UNet call, each way."""

    eager: float
    compiled: float

    @property
    def is_won(self) -> bool:
        """Say whether the compiled one is faster by more than chance."""
        return self.compiled * NEAR <= self.eager


@contextlib.contextmanager
def _marked(mark: Path | None) -> Iterator[bool]:
    """Have the mark of a race stand meanwhile, and after it where the device was lost; say whether it stood before."""
    stays = mark is not None and not _is_set(mark)
    try:
        yield stays
    except Exception as error:
        stays = stays or is_device_lost(error)
        raise
    finally:
        if mark is not None and not stays:
            mark.unlink(missing_ok=True)


def _is_set(mark: Path) -> bool:
    """Set the mark; say so unless it stands already. A disk that takes nothing forbids no race."""
    with contextlib.suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            _tell_once(f"No compiled call is raced while {mark} stands: a worker races, or did not outlive its race.\n")
            return False
    return True


@cache
def _tell_once(text: str) -> None:
    sys.stderr.write(text)


def way_for(model: Model, shape: Shape) -> Way:
    """Return the fastest way that there is to call a model's UNet for such rows."""
    if model.graphs is None:
        return _captured(model, Eager(model.unet), shape)
    way: Way = model.graphs.unet_for(shape)
    return way


def _captured(model: Model, way: Way, shape: Shape) -> Way:
    return model.captures.of(way, shape, partial(made_up, model.unet, shape))


class RacedGraphs:
    """Graphs of a model's UNet, of which only those are given that won. `folder` keeps races; None, in this process."""

    def __init__(self, graphs: Graphs, model: Model, device: Device, folder: Path | None) -> None:
        self._graphs = graphs
        self._model = model
        self._device = device
        self._kept_as = folder / fingerprint(model, device) if folder else None
        self._won: dict[Shape, bool] = {}

    def unet_for(self, shape: Shape) -> Way:
        """Return the UNet for such calls, compiled if it is warm and has won, and have it compiled if that may be."""
        plain = _captured(self._model, self._graphs.eager, shape)  # before a compiler is at work: beside one nothing is
        compiled = None if self._has_won(shape) is False else self._graphs.unet_for(shape)
        if compiled is None:
            return plain
        if self._has_won(shape) is None:
            self._race(shape, plain, compiled)
        fast = _captured(self._model, compiled, shape) if self._has_won(shape) else plain
        return fast if fast.is_compiled else plain

    def close(self) -> None:
        """Compile no more."""
        self._graphs.close()

    def _has_won(self, shape: Shape) -> bool | None:
        """Say who won, None before the race."""
        if shape not in self._won and (race := kept(self._path(shape), Race)):
            self._won[shape] = race.is_won
        return self._won.get(shape)

    def _race(self, shape: Shape, plain: Way, compiled: Compiled) -> None:
        """Run the race if nothing is compiled just now, and nobody else runs it."""
        with _marked(self._mark(shape)) as is_another_one:
            if is_another_one:
                return
            fast = _captured(self._model, compiled, shape)
            with alone() as is_alone:
                if is_alone:
                    self._decide(shape, plain, fast)

    def _decide(self, shape: Shape, plain: Way, fast: Way) -> None:
        """Note who wins. Where memory runs out the graph is not taken; where it does not do, nothing is decided."""
        try:
            race = within_memory(lambda: self._run(shape, plain, fast), lambda: None)
        except OutOfMemory:
            self._won[shape] = False
            return
        if fast.is_compiled:
            self._won[shape] = keep(self._path(shape), Race, race).is_won

    @torch.no_grad()
    def _run(self, shape: Shape, plain: Way, fast: Way) -> Race:
        """Time both by turns, after a call of each that does not count."""
        inputs = made_up(self._model.unet, shape)
        rounds = [
            Race(timed(self._device, lambda: plain(*inputs)), timed(self._device, lambda: fast(*inputs)))
            for _ in range(1 + CALLS)
        ][1:]
        return Race(min(each.eager for each in rounds), min(each.compiled for each in rounds))

    def _mark(self, shape: Shape) -> Path | None:
        path = self._path(shape)
        return path.with_suffix(".racing") if path else None

    def _path(self, shape: Shape) -> Path | None:
        if self._kept_as is None:
            return None
        return self._kept_as.with_name(f"{self._kept_as.name}-{shape.width}x{shape.height}-{shape.rows}-compiled.json")
